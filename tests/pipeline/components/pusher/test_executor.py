"""The Pusher's executor as a truth table: which blessings push, and what is written down."""

import json
import logging
from pathlib import Path
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import pyarrow.parquet as pq
import pytest
from tfx.proto import pusher_pb2
from tfx.types import channel_utils, standard_artifacts
from tfx.utils import proto_utils

from common.errors import OutputError
from configs.push import PushSettings
from documents.service_data import HISTORIES_FILE, ITEMS_FILE, ServiceData
from pipeline.components.pusher.component import Pusher
from pipeline.components.pusher.executor import Executor
from serving_signatures.provenance import model_digest
from tests.documents.samples import EVALUATION
from tests.pipeline.components.pusher.inputs import HISTORIES, ITEMS, SETTINGS, artifacts
from tests.pipeline.store.versions.folders import make_model, served


def blessing(kind: Any, blessed: int | None, withdrawn: int = 0) -> list[Any]:
    if blessed is None:
        return []
    artifact = kind()
    artifact.set_int_custom_property("blessed", blessed)
    artifact.set_int_custom_property("withdrawn", withdrawn)
    return [artifact]


def do(
    tmp_path: Path, evaluated: int | None = 1, checked: int | None = 1, name: str = "a", withdrawn: int = 0
) -> tuple[Any, Any]:
    """Runs the executor; the PushedModel and what was written in it."""
    model, pushed = standard_artifacts.Model(), standard_artifacts.PushedModel()
    model.uri, pushed.uri = str(tmp_path / name), str(tmp_path / f"pushed {name}")
    make_model(tmp_path / name / "Format-Serving", name)
    destination = pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(tmp_path / "serving"))
    )
    Executor().Do(
        {
            "model": [model],
            "model_blessing": blessing(standard_artifacts.ModelBlessing, evaluated, withdrawn),
            "infra_blessing": blessing(standard_artifacts.InfraBlessing, checked),
            **artifacts(tmp_path),
        },
        {"pushed_model": [pushed]},
        {
            "push_destination": proto_utils.proto_to_json(destination),
            "settings": PushSettings(keep_versions=2).model_dump_json(),
            "service_data": SETTINGS.model_dump_json(),
            "code_digest": "c",
        },
    )
    assert [path.name for path in Path(pushed.uri).iterdir()] == ["push.json"]
    return pushed, json.loads((Path(pushed.uri) / "push.json").read_text())


@pytest.mark.parametrize(
    ("evaluated", "checked", "reason"),
    [
        (0, 1, "not blessed by evaluation"),
        (1, 0, "not blessed by ServingCheck"),
        (0, 0, "not blessed by evaluation"),
    ],
)
def test_do_a_blessing_refused_not_pushed(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    evaluated: int,
    checked: int,
    reason: str,
) -> None:
    do(tmp_path, name="before")
    pushed, report = do(tmp_path, evaluated, checked)
    assert pushed.get_int_custom_property("pushed") == 0
    assert report == {"format_version": 1, "pushed": False, "reason": reason}
    assert list(served(tmp_path / "serving").values()) == ["before"]
    assert caplog.messages[-1] == f"not pushed: {reason}"


@pytest.mark.parametrize(
    ("evaluated", "checked", "channel"),
    [(None, 1, "model_blessing"), (1, None, "infra_blessing"), (None, None, "model_blessing")],
)
def test_do_a_blessing_missing_refused_and_nothing_pushed(
    tmp_path: Path, evaluated: int | None, checked: int | None, channel: str
) -> None:
    do(tmp_path, name="before")
    with pytest.raises(ValueError, match=f"'{channel}' must hold one artifact; received 0"):
        do(tmp_path, evaluated, checked)
    assert list(served(tmp_path / "serving").values()) == ["before"]


def test_do_blessing_withdrawn_by_a_rollback_not_pushed_and_says_so(tmp_path: Path) -> None:
    do(tmp_path, name="before")
    pushed, report = do(tmp_path, evaluated=0, withdrawn=1)
    assert pushed.get_int_custom_property("pushed") == 0
    assert report == {"format_version": 1, "pushed": False, "reason": "a rollback withdrew its blessing"}
    assert list(served(tmp_path / "serving").values()) == ["before"]


def test_do_both_blessings_pushed_and_written_down(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    pushed, report = do(tmp_path)
    [number] = served(tmp_path / "serving")
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_version") == str(number)
    assert pushed.get_string_custom_property("pushed_destination") == str(tmp_path / "serving" / str(number))
    assert pushed.get_string_custom_property("model_digest") == model_digest(str(tmp_path / "a" / "Format-Serving"))
    assert report == {
        "format_version": 1,
        "pushed": True,
        "reason": "pushed",
        "version": number,
        "is_new": True,
        "destination": str(tmp_path / "serving" / str(number)),
        "model_digest": pushed.get_string_custom_property("model_digest"),
        "deleted_versions": [],
    }
    assert caplog.messages[-1] == f"pushed version {number}"


def test_do_model_live_already_pushed_with_the_version_that_it_has(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first, _ = do(tmp_path)
    again, report = do(tmp_path)
    for name in ("pushed_version", "pushed_destination", "model_digest"):
        assert again.get_string_custom_property(name) == first.get_string_custom_property(name)
    assert (again.get_int_custom_property("pushed"), report["is_new"]) == (1, False)
    assert caplog.messages[-1] == f"version {report['version']} is already live"


def test_do_pushed_version_has_the_services_data(tmp_path: Path) -> None:
    _, report = do(tmp_path)
    version = Path(report["destination"])
    document = ServiceData.read(version)
    assert (document.items, document.is_timed, document.decision) == (3, True, EVALUATION.decision)
    titles = pq.read_table(version / ITEMS_FILE).column("title").to_pylist()
    assert titles == [item["title"][0] for item in ITEMS]
    users = pq.read_table(version / HISTORIES_FILE).column("user_id").to_pylist()
    assert sorted(users) == [history["user_id"] for history in HISTORIES]


def test_do_not_blessed_the_services_data_is_not_read(tmp_path: Path) -> None:
    do(tmp_path, name="before")
    for path in (tmp_path / "interactions").iterdir():
        path.unlink()
    do(tmp_path, evaluated=0)


def test_do_services_data_cannot_be_made_nothing_pushed(tmp_path: Path) -> None:
    do(tmp_path, name="before")
    (tmp_path / "interactions" / "items.parquet").write_bytes(b"no Parquet")
    with pytest.raises(OutputError, match="the service's data cannot be made"):
        do(tmp_path)
    assert list(served(tmp_path / "serving").values()) == ["before"]


def test_do_model_live_already_keeps_the_judgement_by_which_it_was_pushed(tmp_path: Path) -> None:
    do(tmp_path)
    decision = EVALUATION.decision.model_copy(update={"rules": ()})
    EVALUATION.model_copy(update={"decision": decision}).write(tmp_path / "evaluation")
    _, report = do(tmp_path)
    assert (report["is_new"], report["reason"]) == (False, "already live")
    assert ServiceData.read(report["destination"]).decision == EVALUATION.decision


def test_do_beyond_keep_versions_names_what_was_deleted(tmp_path: Path) -> None:
    versions = [do(tmp_path, name=name)[1]["version"] for name in "ab"]
    assert do(tmp_path, name="c")[1]["deleted_versions"] == versions[:1]


def test_component_asks_for_both_blessings_and_the_services_data(tmp_path: Path) -> None:
    kinds = {
        "model": standard_artifacts.Model,
        "model_blessing": standard_artifacts.ModelBlessing,
        "infra_blessing": standard_artifacts.InfraBlessing,
        "interactions": standard_artifacts.Examples,
        "catalogue": standard_artifacts.Examples,
        "evaluation": standard_artifacts.ModelEvaluation,
    }
    channels: dict[str, Any] = {name: channel_utils.as_channel([kind()]) for name, kind in kinds.items()}
    parameters: dict[str, Any] = {
        "push_destination": pusher_pb2.PushDestination(),
        "settings": PushSettings(keep_versions=3),
        "service_data": SETTINGS,
    }
    pusher = Pusher(**channels, **parameters)
    assert set(pusher.inputs) == set(kinds)
    assert json.loads(pusher.exec_properties["settings"]) == {"keep_versions": 3}
    assert pusher.outputs["pushed_model"].type is standard_artifacts.PushedModel
    assert json.loads(pusher.exec_properties["service_data"])["max_history"] == 3
    for name in kinds.keys() - {"model"}:
        with pytest.raises((ValueError, TypeError)):
            Pusher(**{**channels, name: None}, **parameters)
