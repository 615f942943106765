"""The laboratory, outside the package: rivals, tuning, comparison, backtest, robustness."""
