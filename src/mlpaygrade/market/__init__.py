"""Statistics of the market, from postings to plain numbers."""
