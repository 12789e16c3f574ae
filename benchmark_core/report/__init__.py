"""What came of a run: the report and its parts. Data alone."""
