"""Whether this machine can run the pipeline: interpreter, libraries, tools, data, disk and memory."""

from pipeline.doctor.cli import add_parser

__all__ = ["add_parser"]
