"""What a job in machine learning and data pays, how sure that is, and why."""
