"""Records how a run ended. TFX does not record the error, failed drivers' executions, or the run as a whole."""

import contextlib
import logging
from collections.abc import Iterator

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.store.runs.metadata import ERROR, OUTCOME, open_store, runs_of

MAX_ERROR_CHARACTERS = 4_000
"""Longest error that is recorded: enough for the longest list of anomalies that a person reads."""


@contextlib.contextmanager
def recorded(metadata_path: str) -> Iterator[None]:
    """Records the outcome of the run that happens in the block, under the pipeline's lock.

    A process that is killed records nothing; the next run's recovery does.

    Args:
        metadata_path: The store's SQLite file.
    """
    earlier = {run.id for run in runs_of(open_store(metadata_path))}
    try:
        yield
    except (Exception, KeyboardInterrupt) as e:
        outcome = "killed" if isinstance(e, KeyboardInterrupt) else "failed"
        try:
            _record(metadata_path, earlier, outcome, f"{type(e).__name__}: {e}"[:MAX_ERROR_CHARACTERS])
        except (
            errors.StatusError,
            RuntimeError,
        ) as unwritable:  # for example a full disk, which then is the run's own error too
            logging.getLogger("perennial.runs").warning("The run's outcome could not be recorded: %s", unwritable)
        raise
    _record(metadata_path, earlier, "succeeded", None)


def _record(metadata_path: str, earlier: set[int], outcome: str, error: str | None) -> None:
    store = open_store(metadata_path)
    for run in runs_of(store):
        if run.id in earlier:
            continue
        if error is not None:
            # A driver that raises leaves its execution RUNNING.
            failed = [e for e in store.get_executions_by_context(run.id) if e.last_known_state not in _SUCCESSFUL]
            for execution in failed:
                execution.last_known_state = pb.Execution.FAILED
                execution.custom_properties[ERROR].string_value = error
            store.put_executions(failed)
        run.custom_properties[OUTCOME].string_value = outcome
        store.put_contexts([run])


_SUCCESSFUL = (pb.Execution.COMPLETE, pb.Execution.CACHED)
