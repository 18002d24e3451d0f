"""A log replayed: cut by time, and let arrive in rounds through the real pipeline."""

from pipeline.commands.replay.cli import add_parser

__all__ = ["add_parser"]
