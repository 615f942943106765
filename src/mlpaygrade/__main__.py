"""`python -m mlpaygrade`."""

from mlpaygrade.cli import main

main()
