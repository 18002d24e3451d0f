"""Runs of a local pipeline: one at a time, mended after a kill, kept for a while, listed and compared.

Everything here asks the metadata store directly; TFX, whose import takes seconds, is not needed.
"""
