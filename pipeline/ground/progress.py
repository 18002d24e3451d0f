"""Shows the progress of a local run: each component, what it reports, its seconds. The whole log goes to a file.

The components log their own events to loggers below `perennial`. The start and end of a component are log lines of TFX;
they are recognised by their format string, as LocalDagRunner offers no other hook.
"""

import contextlib
import datetime
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from absl import logging as absl_logging
from rich.console import Console
from rich.markup import escape

EVENTS = "perennial"
"""What loggers below this name log is shown on the terminal."""

LOG_NAME_FORMAT = "%Y%m%dT%H%M%S.%fZ"
"""Stem of a log file: the time at which its run began, in UTC."""

_STARTED = "Component %s is running."
_FINISHED = "Component %s is finished."
_CACHED = "A cached execution %d is used."


class ProgressHandler(logging.Handler):
    """Prints a line when a component starts, reports or ends."""

    def __init__(self, console: Console) -> None:
        """Prints to `console`."""
        super().__init__(logging.INFO)
        self._console = console
        self._node: str | None = None
        self._since = 0.0
        self._cached = False
        self.seconds: dict[str, float] = {}
        """Seconds of each finished component."""

    def say(self, line: str) -> None:
        """Prints one line."""
        self._console.print(escape(line), highlight=False, soft_wrap=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Prints a line for a record that shows progress; most records do not, and print nothing."""
        if record.name == EVENTS or record.name.startswith(f"{EVENTS}."):
            style = "yellow" if record.levelno >= logging.WARNING else "dim"
            self._console.print(f"    [{style}]{escape(record.getMessage())}[/]", highlight=False)
        elif record.msg == _STARTED and isinstance(record.args, tuple):
            self._node, self._since, self._cached = str(record.args[0]), time.monotonic(), False
            self._console.print(f"[bold]{self._node}[/]", highlight=False)
        elif record.msg == _CACHED:
            self._cached = True
        elif record.msg == _FINISHED and self._node is not None:
            seconds = self.seconds[self._node] = time.monotonic() - self._since
            done = "from the cache" if self._cached else "done"
            self._console.print(f"    [green]{done}[/] in {seconds:.1f} s", highlight=False)
            self._node = None


class LogFile(logging.FileHandler):
    """The whole log. If its disk is full, lines are lost: the run reports the full disk once, by its own error."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Prints no traceback for a line that cannot be written to the disk."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        """Closes the file."""
        with contextlib.suppress(OSError):
            super().close()


@contextlib.contextmanager
def shown(logs_dir: Path, console: Console | None = None) -> Iterator[ProgressHandler]:
    """Shows progress on the terminal and writes the whole log to a file while the block runs.

    Args:
        logs_dir: Folder of log files; it is made if it is missing.
        console: Where to print. Default: standard output.

    Yields:
        The handler, which keeps the seconds of each component.
    """
    logs_dir.mkdir(parents=True, exist_ok=True)
    log_file = logs_dir / f"{datetime.datetime.now(datetime.timezone.utc):{LOG_NAME_FORMAT}}.log"
    whole = LogFile(log_file, encoding="utf-8")
    whole.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    progress = ProgressHandler(console or Console())
    progress.say(f"Whole log: {log_file}")

    root, absl_handler = logging.getLogger(), absl_logging.get_absl_handler()
    absl_level, root_level, root_handlers = absl_logging.get_verbosity(), root.level, list(root.handlers)
    absl_logging.set_verbosity(absl_logging.INFO)
    absl_handler.setLevel(logging.FATAL)  # only the progress is printed on the terminal
    root.setLevel(logging.INFO)
    root.handlers[:] = [whole, progress]
    absl_logger, tensorflow_logger = absl_logging.get_absl_logger(), logging.getLogger("tensorflow")
    propagate, absl_logger.propagate = absl_logger.propagate, True
    tensorflow_handlers, tensorflow_logger.handlers[:] = list(tensorflow_logger.handlers), []
    try:
        yield progress
    finally:
        root.handlers[:] = root_handlers
        root.setLevel(root_level)
        absl_logger.propagate = propagate
        tensorflow_logger.handlers[:] = tensorflow_handlers
        absl_handler.setLevel(logging.NOTSET)
        absl_logging.set_verbosity(absl_level)
        whole.close()
