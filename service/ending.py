"""Ends a process when the one that started it has ended."""

import os
import threading


def end_with_stdin() -> None:
    """Ends this process when nobody can write to its standard input any more: whoever holds the other end has ended.

    A signal at the parent's death (PR_SET_PDEATHSIG) is no help: it comes when the *thread* ends that started this
    process, and the parent of a fork is the fork server.
    """
    threading.Thread(target=_end_with_stdin, daemon=True).start()


def _end_with_stdin() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)
