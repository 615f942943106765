"""What a job is: its fields, titles, countries and levels; text in, a job with remarks out."""
