"""Our own pipeline, compiled for Vertex and rehearsed, against the same pipeline run by LocalDagRunner."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from documents.retraining import RetrainingReport
from documents.service_data import HISTORIES_FILE, ITEMS_FILE, ServiceData
from pipeline.store.models import newest_version
from tests.pipeline.job.rehearsal.place import Place

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("books"), retraining={})


@pytest.fixture(scope="module")
def shown(place: Place) -> str:
    """What the first rehearsal printed."""
    return place.perennial("vertex", "rehearse")


@pytest.fixture(scope="module")
def local(place: Place) -> str:
    """The model that LocalDagRunner's run pushed."""
    place.perennial("run")
    return newest_version(str(place.home / "serving"))


def embeddings(model: str) -> dict[bytes, Any]:
    signatures = tf.saved_model.load(model).signatures
    items = signatures["catalogue"](offset=tf.constant([0], tf.int64), limit=tf.constant([1000], tf.int64))["item_id"]
    rows = signatures["embed_items"](item_id=items)["embedding"].numpy()
    return dict(zip(items.numpy().tolist(), rows, strict=True))


@pytest.mark.usefixtures("shown")
def test_rehearsal_every_task_of_the_job_succeeds_in_processes_of_its_own(place: Place) -> None:
    records = place.records(0)
    job = json.loads((place.rehearsal / "runs" / place.runs[0] / "job.json").read_text())
    assert set(records) == set(job["pipelineSpec"]["root"]["dag"]["tasks"])
    assert {record.state for record in records.values()} == {"succeeded"}
    (none,) = records["LiveModelResolver"].artifacts["model"]
    assert none.metadata["absent"] == 1


def test_rehearsal_pushes_the_model_that_the_local_run_pushes(place: Place, shown: str, local: str) -> None:
    rehearsed = embeddings(newest_version(str(place.here("gs://example-bucket/books/serving"))))
    expected = embeddings(local)
    assert set(rehearsed) == set(expected) and len(expected) == 150
    for item, embedding in expected.items():
        np.testing.assert_allclose(rehearsed[item], embedding, atol=1e-5, err_msg=item.decode())


def test_rehearsal_pushes_the_service_data_that_the_local_run_pushes(place: Place, shown: str, local: str) -> None:
    rehearsed = Path(newest_version(str(place.here("gs://example-bucket/books/serving"))))
    for file in (ITEMS_FILE, HISTORIES_FILE):
        assert (rehearsed / file).read_bytes() == (Path(local) / file).read_bytes(), file
    there, here = ServiceData.read(rehearsed), ServiceData.read(local)
    assert here.histories is not None
    assert (there.items, there.features, there.histories) == (150, {"genres": "category"}, here.histories)


def test_rehearsal_measures_what_the_local_run_measures(place: Place, shown: str, local: str) -> None:
    evaluation = place.records(0)["RetrievalEvaluator"].artifacts["evaluation"][0]
    measured = json.loads((place.here(evaluation.uri) / "evaluation.json").read_text())
    (local_file,) = (place.home / "artifacts" / "RetrievalEvaluator" / "evaluation").glob("*/evaluation.json")
    expected = json.loads(local_file.read_text())
    assert set(measured["contenders"]) == set(expected["contenders"]) >= {"model", "popularity", "item_item"}
    for contender, of_it in expected["contenders"].items():
        for name, metric in of_it["metrics"].items():
            result = measured["contenders"][contender]["metrics"][name]
            assert result["value"] == pytest.approx(metric["value"], abs=1e-6), (contender, name)
    assert measured["decision"]["blessed"] == expected["decision"]["blessed"]


def test_rehearsal_again_is_cached_up_to_what_the_blessed_model_changes(place: Place, shown: str, local: str) -> None:
    place.perennial("vertex", "rehearse")
    first, second = place.records(0), place.records(1)
    cached = {task for task, record in second.items() if record.state == "cached"}
    assert cached >= {"InteractionGen", "CatalogueGen", "InteractionTransform", "InteractionsExampleValidator"}
    assert not cached & {"DataGate", "Trainer", "RetrievalEvaluator"}  # there is a blessed model now
    (found,) = second["LiveModelResolver"].artifacts["model"]
    assert found.uri == first["Trainer"].artifacts["model"][0].uri
    asked = RetrainingReport.read(place.here(second["RetrainingCheck"].artifacts["decision"][0].uri))
    assert not asked.is_due and {rule.value for rule in asked.rules} == {0.0}
    # Neither data nor config nor code has changed since: the model is used again, and is already live.
    pushed = json.loads((place.here(second["Pusher"].artifacts["pushed_model"][0].uri) / "push.json").read_text())
    assert pushed["pushed"] and not pushed["is_new"]
    assert found.metadata["model_digest"] == pushed["model_digest"]


def test_rehearsal_of_the_yaml_for_kubeflow_pipelines_starts_from_what_is_served(
    place: Place, shown: str, local: str
) -> None:
    job_file = str(place.folder / "kubeflow.yaml")
    place.perennial("vertex", "compile", "--output", job_file)
    place.perennial("vertex", "rehearse", "--job", job_file)
    before, records = place.records(-2), place.records(-1)
    (found,) = records["LiveModelResolver"].artifacts["model"]
    assert found.uri == before["Trainer"].artifacts["model"][0].uri  # it pushed it, or found it live already
    assert records["InteractionGen"].state == "succeeded"  # never cached there
    pushed = json.loads((place.here(records["Pusher"].artifacts["pushed_model"][0].uri) / "push.json").read_text())
    assert pushed["pushed"] and not pushed["is_new"]
