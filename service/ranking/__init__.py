"""Turns scores of the catalogue into lists: filters, boosts, diversity, pages, reasons. NumPy and nothing else."""
