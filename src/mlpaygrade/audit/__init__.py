"""What a file of the dataset really is: pairing, copies, claims."""
