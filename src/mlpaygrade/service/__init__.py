"""Answers over the network: an HTTP interface (`web`, run by `serve`) and tools for assistants (`assistants`)."""
