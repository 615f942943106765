"""The public dataset: editions, download, the one reader of files, postings, splits."""
