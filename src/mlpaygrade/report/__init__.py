"""The market as one page that needs nothing else."""
