"""Judging predictions: metrics and conformal calibration."""
