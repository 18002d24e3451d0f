"""Reads, lints and rehearses a compiled job of any TFX pipeline on this machine.

Of this project's packages it imports only `pipeline.ground` and `common`.
"""

JOB_FILE = "pipeline.json"
"""The file of a compiled job for which nobody names another."""
