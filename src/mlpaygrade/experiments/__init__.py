"""Runs: train, evaluate, tune and compare, each in one folder."""
