"""What a job must be for its tasks to have an order."""

import pytest

from configs.errors import JobError
from pipeline.vertex.rehearsal.graph import Graph
from tests.pipeline.vertex.tiny import job, sh


def test_graph_task_that_needs_one_that_is_not_there_is_named() -> None:
    with pytest.raises(JobError, match="task 'a' needs 'b', which is not there; there are a"):
        Graph(job({"a": sh("", inputs={"x": ("b", "out")})}))


def test_graph_tasks_that_wait_for_each_other_are_named() -> None:
    with pytest.raises(JobError, match=r"wait for each other: .*a.*b"):
        Graph(job({"a": sh("", after=("b",)), "b": sh("", after=("a",))}))


def test_graph_loop_is_refused() -> None:
    compiled = job({"a": sh("")})
    compiled.spec.root.dag.tasks["a"].parameter_iterator.item_input = "i"
    with pytest.raises(JobError, match="'a' is a loop"):
        Graph(compiled)
