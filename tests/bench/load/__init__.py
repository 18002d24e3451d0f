"""Measures the service under load: `python -m tests.bench.load`, which is also `make load`."""
