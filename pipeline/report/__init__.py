"""Writes the report page of each run: what the run read, learned, measured and decided."""
