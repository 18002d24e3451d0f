"""Runs of a local pipeline: lock, recovery after a kill, retention, listing and comparison.

Everything here reads the metadata store directly. It does not import TFX, which takes seconds.
"""
