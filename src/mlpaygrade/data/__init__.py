"""From a CSV file to postings, splits and encoded arrays."""
