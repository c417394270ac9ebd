"""The kit that plugin authors, and our own tests, run."""
