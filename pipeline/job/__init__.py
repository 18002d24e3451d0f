"""Reads, lints and rehearses a compiled job of any TFX pipeline on this machine.

Of this project's packages it imports only `pipeline.ground` and `common`.
"""
