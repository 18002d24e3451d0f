"""`perennial init` looks at a log and a catalogue, and writes the first config."""

from pipeline.commands.init.cli import add_parser

__all__ = ["add_parser"]
