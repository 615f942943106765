"""Statistics of the market: a module for each question, from postings to numbers, words and figures."""
