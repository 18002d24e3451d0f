"""Two hand-made runs, and what must and must not be said of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from documents.evaluation import MODEL, POPULARITY, EvaluationReport
from pipeline.store.runs.contents import flatten
from pipeline.store.runs.diff import Change, RunDiff, Vocabulary, diff
from pipeline.store.runs.records import read_runs
from tests.documents.samples import CLEANING, EVALUATION, WARM_START, changed
from tests.pipeline.store.runs.history import NAME, History

SCHEMA = 'feature {{ name: "value" type: FLOAT {domain} }}\nfeature {{ name: "user_id" type: BYTES }}\n'


def _evaluation(recall: tuple[float, float, float], popularity: tuple[float, float, float]) -> EvaluationReport:
    def contender(values: tuple[float, float, float]) -> dict[str, Any]:
        return {"metrics": {"recall@10": dict(zip(("value", "low", "high"), values, strict=True))}, "slices": {}}

    return changed(EVALUATION, contenders={MODEL: contender(recall), POPULARITY: contender(popularity)})


def _run(
    history: History,
    *,
    rows: int = 100,
    epochs: int = 4,
    code: str = "a" * 64,
    domain: str = "",
    users: str = "1\n2\n3\n",
    carried: int = 5,
    evaluation: EvaluationReport | None = None,
) -> None:
    run = history.run()
    steps = [{"step": "window", "in": rows, "out": rows - 1}]
    cleaning = changed(CLEANING, rows=rows, newest_timestamp=1_000_000_000 + rows, steps=steps)
    gen = {"input_fingerprint": f"total_bytes:{rows}"}
    run.node("Gen", {"examples": "Examples"}, custom_properties=gen, properties=gen, documents=[cleaning])
    run.node("SchemaGen", {"schema": "Schema"}, files={"schema.pbtxt": SCHEMA.format(domain=domain)})
    run.node("Transform", {"transform_graph": "TransformGraph"}, files={"transform_fn/assets/user_id": users})
    run.node(
        "Trainer",
        {"model": "Model", "model_run": "ModelRun"},
        properties={
            "custom_config": json.dumps({"trainer": {"epochs": epochs}, "provenance": {"config_digest": str(epochs)}}),
            "code_digest": code,
        },
        documents=[
            changed(WARM_START, tables={"item_embedding": {"carried": carried, "new": 2, "dropped": 1}}),
        ],
    )
    if evaluation is not None:
        run.node("Evaluator", {"evaluation": "ModelEvaluation"}, documents=[evaluation])


def _diff(history: History) -> RunDiff:
    return diff(*read_runs(history.metadata_path, NAME))


def test_diff_same_runs_nothing_differs(history: History) -> None:
    _run(history)
    _run(history)
    found = _diff(history)
    assert (found.config, found.code, found.data, found.schema, found.vocabularies, found.start) == ((),) * 6
    assert "Configuration: the same." in found.summary


def test_diff_each_kind_of_change_in_its_own_section(history: History) -> None:
    _run(history)
    _run(history, rows=120, epochs=8, code="b" * 64, domain="float_domain { max: 4 }", users="2\n3\n4\n5\n", carried=6)
    found = _diff(history)
    assert found.config == (Change("Trainer trainer.epochs", 4, 8),)
    assert found.code == (Change("Trainer code_digest", "a" * 12, "b" * 12),)
    assert found.data == (
        Change("Gen rows", 100, 120),
        Change("Gen newest_timestamp", "2001-09-09 01:48:20+00:00", "2001-09-09 01:48:40+00:00"),
        Change("Gen steps.window", 99, 119),
        Change("Gen input_fingerprint", "total_bytes:100", "total_bytes:120"),
    )
    assert found.schema == (Change("SchemaGen value", "FLOAT", "FLOAT, float_domain max: 4.0"),)
    assert found.vocabularies == (Vocabulary("user_id", before=3, after=4, carried=2, new=2, gone=1),)
    assert found.start == (Change("training tables.item_embedding.carried", 5, 6),)
    assert "Configuration: Trainer trainer.epochs 4 → 8." in found.summary
    assert "Vocabulary user_id: 2 entries carried over, 2 new, 1 gone." in found.summary
    assert any(sentence.endswith("and 1 more.") for sentence in found.summary if sentence.startswith("Data:"))


HIGH, LOW, NEAR = (0.30, 0.28, 0.32), (0.20, 0.18, 0.22), (0.29, 0.27, 0.31)


@pytest.mark.parametrize(
    ("model", "popularity", "said"),
    [
        ((HIGH, LOW), (HIGH, LOW), ["fell from 0.300 [0.280, 0.320] to 0.200 [0.180, 0.220].", "the data got harder"]),
        ((HIGH, LOW), (HIGH, NEAR), ["fell from", "about as hard as before"]),
        ((LOW, HIGH), (LOW, HIGH), ["rose from", "the data got easier"]),
        ((HIGH, NEAR), (HIGH, HIGH), ["[0.270, 0.310], which may be chance.", "about as hard"]),
        ((HIGH, HIGH), (HIGH, HIGH), ["is the same: 0.300", "about as hard"]),
    ],
)
def test_diff_metrics_names_changes_of_model_and_of_data(
    history: History, model: tuple[Any, Any], popularity: tuple[Any, Any], said: list[str]
) -> None:
    for of_model, of_popularity in zip(model, popularity, strict=True):
        _run(history, evaluation=_evaluation(of_model, of_popularity))
    found = _diff(history)
    assert [expected in sentence for expected, sentence in zip(said, found.summary, strict=False)] == [True, True]
    assert {measured.contender for measured in found.metrics} == {"model", "popularity"}


def test_diff_undefined_metric_left_out(history: History) -> None:
    for _ in range(2):
        _run(history, evaluation=_evaluation((None, None, None), HIGH))  # type: ignore[arg-type]
    assert {measured.contender for measured in _diff(history).metrics} == {"popularity"}


def test_diff_files_of_the_old_run_deleted_said_and_not_compared(history: History) -> None:
    _run(history)
    _run(history, rows=120)
    examples = history.artifact(1)
    (Path(examples.uri) / "cleaning.json").unlink()
    examples.state = examples.DELETED
    history.store.put_artifacts([examples])
    found = _diff(history)
    assert "Gen rows" not in {change.what for change in found.data}
    assert "Not compared, because files of run 1 were deleted: Examples." in found.summary


@pytest.mark.parametrize("stopped", [1, 2])
def test_diff_run_that_stopped_early_nodes_that_did_not_run_not_compared(history: History, stopped: int) -> None:
    for number in (1, 2):
        if number == stopped:
            run = history.run(outcome="failed")
            run.node("Gen", {"examples": "Examples"}, documents=[changed(CLEANING, rows=90)])
            run.node("SchemaGen", state="FAILED")
        else:
            _run(history)
    found = _diff(history)
    assert (found.config, found.code, found.schema, found.start) == ((), (), (), ())
    assert {90, 100} == next({c.before, c.after} for c in found.data if c.what == "Gen rows")
    assert found.summary[-1] == f"Not compared, because run {stopped} did not start them: Transform, Trainer."


def test_diff_cached_model_said_to_be_the_same(history: History) -> None:
    _run(history)
    (model,) = [a.id for a in history.store.get_artifacts() if a.type == "Model"]
    history.run().node("Trainer", state="CACHED", reuse=[model])
    assert "Both runs have the same model: the training used a cached result." in _diff(history).summary


def test_flatten_wrapped_json_opened_by_dotted_path() -> None:
    wrapped = {"custom_config": json.dumps({"@type": "StringValue", "value": '{"log": {"path": ""}, "k": [1, 2]}'})}
    assert flatten(wrapped) == {"log.path": "", "k": [1, 2]}
    assert flatten({"a": "{no json"}) == {"a": "{no json"}
