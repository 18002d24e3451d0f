"""Sends runs to an MLflow server; a process of its own runs this script, which imports nothing of ours.

It reads JSON from standard input: `tracking_uri`, `experiment`, the run `parent` and the runs `children`, each with
`name`, `tags`, `params` and `metrics`. The last line that it prints is the id of the parent's run; of an error, it is
the error.
"""

import io
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

_PARAMS = 100
"""MLflow takes no more in one request."""


def _experiment(client: MlflowClient, name: str) -> str:
    """The id of the experiment; it is made if there is none."""
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name)
        except MlflowException:
            found = client.get_experiment_by_name(name)  # another comparison has just made it
            if found is None:
                raise
    return found.experiment_id


@contextmanager
def _run(client: MlflowClient, experiment: str, run: Mapping[str, Any], tags: Mapping[str, str]) -> Iterator[str]:
    """Makes a run and gives its id; the run has failed if the block fails."""
    run_id = client.create_run(experiment, run_name=run["name"], tags={**run["tags"], **tags}).info.run_id
    status = "FAILED"
    try:
        now = int(time.time() * 1000)
        params = [Param(name, value) for name, value in run["params"].items()]
        client.log_batch(run_id, metrics=[Metric(name, value, now, 0) for name, value in run["metrics"].items()])
        for first in range(0, len(params), _PARAMS):
            client.log_batch(run_id, params=params[first : first + _PARAMS])
        yield run_id
        status = "FINISHED"
    finally:
        client.set_terminated(run_id, status)


def _print_in_a_line(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    print(f"{kind.__name__}: {' '.join(str(error).split())}", file=sys.stderr)


def _main() -> None:
    given = json.load(sys.stdin.buffer)
    client = MlflowClient(given["tracking_uri"])
    experiment = _experiment(client, given["experiment"])
    with _run(client, experiment, given["parent"], {}) as parent:
        for child in given["children"]:
            with _run(client, experiment, child, {"mlflow.parentRunId": parent}):
                pass
    print(parent)


if __name__ == "__main__":
    sys.excepthook = _print_in_a_line
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # MLflow prints signs that the encoding of the process may lack
    _main()
