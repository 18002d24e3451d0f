"""Compares the data of two runs: what a run remembers of its data, counts, ids and distributions."""
