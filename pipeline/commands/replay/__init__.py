"""Replays a log: cuts it by time, and runs the real pipeline in rounds, each with one more part of the log."""

from pipeline.commands.replay.cli import add_parser

__all__ = ["add_parser"]
