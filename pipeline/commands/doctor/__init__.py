"""Checks whether this machine can run the pipeline: interpreter, libraries, tools, data, disk and memory."""

from pipeline.commands.doctor.cli import add_parser

__all__ = ["add_parser"]
