"""What came of it: contact sheets and the report."""
