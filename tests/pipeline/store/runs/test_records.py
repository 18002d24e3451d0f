from pathlib import Path

import pytest

from common.errors import RunError
from pipeline.store.runs.records import find_run, read_runs
from tests.pipeline.store.runs.history import NAME, History


def test_read_runs_no_store_none(tmp_path: Path) -> None:
    assert read_runs(str(tmp_path / "metadata.db"), NAME) == []
    assert not (tmp_path / "metadata.db").exists()


def test_read_runs_nodes_in_order_with_links_states_and_properties(history: History) -> None:
    first = history.run()
    (examples,) = first.node("Gen", {"examples": "Examples"}, properties={"rows": 3}, custom_properties={"span": 7})
    first.node("Trainer", {"model": "Model", "model_run": "ModelRun"}, inputs=[examples])
    second = history.run()
    second.node("Gen", state="CACHED", reuse=[examples])
    one, two = read_runs(history.metadata_path, NAME)
    assert [(run.number, run.run_id, run.state) for run in (one, two)] == [
        (1, "run-1", "succeeded"),
        (2, "run-2", "succeeded"),
    ]
    gen, trainer = one.nodes
    assert (gen.node_id, gen.state, gen.properties, gen.inputs) == ("Gen", "complete", {"rows": 3}, {})
    assert trainer.inputs["input"] == gen.outputs["examples"]
    assert gen.outputs["examples"][0].properties == {"span": 7}
    assert gen.outputs["examples"][0].type == "Examples"
    assert set(trainer.outputs) == {"model", "model_run"}
    assert two.nodes[0].state == "cached"
    assert two.output("Examples") == one.output("Examples")
    assert two.output("Model") is None
    assert one.seconds is not None and one.seconds >= 0


def test_read_runs_resolver_outputs_listed_but_not_as_made(history: History) -> None:
    (old,) = history.run().node("Trainer", {"model": "Model"})
    history.run().node("LatestBlessedModel", reuse=[old], event="INTERNAL_OUTPUT")
    resolver = read_runs(history.metadata_path, NAME)[1]
    assert resolver.nodes[0].found
    assert [ref.id for refs in resolver.nodes[0].outputs.values() for ref in refs] == [old]
    assert resolver.output("Model") is None


def test_read_runs_nobody_at_work_unfinished_run_is_killed(history: History) -> None:
    run = history.run(outcome=None)
    run.node("Gen", {"examples": "Examples"})
    run.node("Trainer", {"model": "Model"}, state="RUNNING")
    (killed,) = read_runs(history.metadata_path, NAME)
    assert killed.state == "killed"
    assert [(node.state, node.seconds is None) for node in killed.nodes] == [("complete", False), ("killed", True)]


def test_read_runs_killed_between_two_nodes_not_taken_for_a_success(history: History) -> None:
    history.run(outcome=None).node("Gen", {"examples": "Examples"})
    assert [run.state for run in read_runs(history.metadata_path, NAME)] == ["killed"]


def test_read_runs_other_pipelines_left_out(history: History) -> None:
    history.run().node("Gen")
    assert read_runs(history.metadata_path, "another") == []


@pytest.mark.parametrize(("wanted", "number"), [("1", 1), ("latest", 2), ("run-1", 1), ("2", 2)])
def test_find_run_by_number_latest_or_id(history: History, wanted: str, number: int) -> None:
    for _ in range(2):
        history.run().node("Gen")
    assert find_run(read_runs(history.metadata_path, NAME), wanted).number == number


@pytest.mark.parametrize("wanted", ["0", "3", "-1", "run-3", ""])
def test_find_run_unknown_refused_with_what_there_is(history: History, wanted: str) -> None:
    for _ in range(2):
        history.run().node("Gen")
    with pytest.raises(RunError, match="a number from 1 to 2"):
        find_run(read_runs(history.metadata_path, NAME), wanted)


def test_find_run_none_yet_says_how_to_make_one() -> None:
    with pytest.raises(RunError, match="perennial run"):
        find_run([], "latest")
