import json
from datetime import timedelta
from pathlib import Path

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.ground.progress import LOG_NAME_FORMAT
from pipeline.store.runs.records import read_runs
from pipeline.store.runs.retention import prune
from pipeline.store.versions.push import push
from tests.pipeline.store.runs.history import NAME, History
from tests.pipeline.store.versions.folders import make_model

KEEP = 2


def _prune(history: History) -> int:
    return prune(history.metadata_path, NAME, history.root, str(history.serving), KEEP)


def _exists(history: History, artifact_id: int) -> bool:
    on_disk = Path(history.artifact(artifact_id).uri).exists()
    assert (history.state(artifact_id) == "LIVE") == on_disk
    return on_disk


def test_prune_old_runs_deleted_shared_and_new_kept(history: History) -> None:
    first = history.run()
    shared, alone = (first.node(node, {"examples": "Examples"})[0] for node in ("Gen", "Old"))
    history.run().node("Gen", state="CACHED", reuse=[shared])
    history.run().node("Gen", state="CACHED", reuse=[shared])
    assert _prune(history) == 1
    assert (_exists(history, shared), _exists(history, alone)) == (True, False)
    assert _prune(history) == 0


def test_prune_fewer_runs_than_kept_nothing_deleted(history: History) -> None:
    for _ in range(KEEP):
        history.run().node("Gen", {"examples": "Examples"})
    assert _prune(history) == 0


def test_prune_read_by_a_kept_run_kept(history: History) -> None:
    (model,) = history.run().node("Trainer", {"model": "Model"})
    history.run().node("Gen", {"examples": "Examples"})
    history.run().node("Resolver", reuse=[model], event="INTERNAL_OUTPUT")
    _prune(history)
    assert _exists(history, model)


def test_prune_last_blessed_model_kept_older_and_refused_ones_not(history: History) -> None:
    models, blessings = [], []
    for blessed in (1, 1, 0, 0, 0):
        run = history.run()
        (model,) = run.node("Trainer", {"model": "Model"})
        custom_properties = {"blessed": blessed, "current_model_id": model}
        blessings += run.node("Evaluator", {"blessing": "ModelBlessing"}, custom_properties=custom_properties)
        models.append(model)
    _prune(history)
    assert [_exists(history, model) for model in models] == [False, True, False, True, True]
    assert [_exists(history, blessing) for blessing in blessings] == [False, True, False, True, True]


def _push(history: History, digest: str, number: int) -> tuple[int, int]:
    """One run that blesses and pushes a model; returns the ids of Model and ModelBlessing."""
    run = history.run()
    (model,) = run.node("Trainer", {"model": "Model"})
    (blessing,) = run.node(
        "Evaluator",
        {"blessing": "ModelBlessing"},
        custom_properties={"blessed": 1, "current_model_id": model},
        inputs=[model],
    )
    custom_properties = {"pushed": 1, "pushed_destination": str(history.serving / str(number)), "model_digest": digest}
    run.node("Pusher", {"pushed_model": "PushedModel"}, inputs=[model, blessing], custom_properties=custom_properties)
    return model, blessing


def _stand(history: History, digest: str, number: int) -> None:
    record = history.serving / str(number) / "assets.extra" / "push.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"model_digest": digest}))
    (history.serving / str(number) / "saved_model.pb").touch()


def test_prune_what_led_to_a_standing_version_kept(history: History) -> None:
    _stand(history, "a", 1)
    made = [_push(history, digest, number) for number, digest in enumerate("abcd", 1)]
    _prune(history)
    assert [_exists(history, model) for model, _ in made] == [True, False, True, True]
    assert [_exists(history, blessing) for _, blessing in made] == [True, False, True, True]


def test_prune_model_handed_on_by_every_run_only_its_newest_copy_kept(history: History) -> None:
    _stand(history, "a", 1)
    copies = [_push(history, "a", 1)[0] for _ in range(5)]
    _prune(history)
    assert [_exists(history, model) for model in copies] == [False, False, False, True, True]
    for number, digest in enumerate("bc", 2):
        _push(history, digest, number)
    _prune(history)
    assert [_exists(history, model) for model in copies] == [False, False, False, False, True]


def test_prune_newest_copy_gone_the_one_before_kept(history: History) -> None:
    _stand(history, "a", 1)
    (older, _), (newer, _) = (_push(history, "a", 1) for _ in range(2))
    artifact = history.artifact(newer)
    artifact.state = pb.Artifact.DELETED
    history.store.put_artifacts([artifact])
    for number, digest in enumerate("bc", 2):
        _push(history, digest, number)
    _prune(history)
    assert _exists(history, older)


def test_prune_standing_version_whose_push_was_killed_before_its_record_kept(history: History) -> None:
    run = history.run()
    (model,) = run.node("Trainer", {"model": "Model"})
    (blessing,) = run.node(
        "Evaluator", {"blessing": "ModelBlessing"}, custom_properties={"blessed": 1, "current_model_id": model}
    )
    push(make_model(Path(history.artifact(model).uri, "Format-Serving"), "a"), str(history.serving), 5)
    run.node("Pusher", {"pushed_model": "PushedModel"}, inputs=[model, blessing], state="FAILED")
    for number, digest in enumerate("bcd", 2):
        _push(history, digest, number)
    _prune(history)
    assert _exists(history, model)
    assert _exists(history, blessing)


def test_prune_what_led_to_a_model_that_a_rollback_renumbered_kept(history: History) -> None:
    _stand(history, "a", 9)  # pushed as 1, which has made way since
    made = [_push(history, digest, number) for number, digest in enumerate("abcd", 1)]
    _prune(history)
    assert [_exists(history, model) for model, _ in made] == [True, False, True, True]


def test_prune_artifact_elsewhere_never_touched(history: History, tmp_path: Path) -> None:
    (outside,) = history.run().node("Importer", {"schema": "Schema"})
    artifact = history.artifact(outside)
    artifact.uri = str(tmp_path / "schemas")
    history.store.put_artifacts([artifact])
    Path(artifact.uri).mkdir()
    for _ in range(KEEP):
        history.run().node("Gen")
    assert _prune(history) == 0
    assert _exists(history, outside)


def test_prune_logs_and_pages_of_old_runs_removed_others_kept(history: History) -> None:
    for _ in range(3):
        history.run().node("Gen")
    runs = read_runs(history.metadata_path, NAME)
    logs, reports = history.home / "logs", history.home / "reports"
    logs.mkdir()
    reports.mkdir()
    began = [runs[0].started - timedelta(days=1), *(run.started - timedelta(microseconds=3) for run in runs[:2])]
    names = [f"{moment:{LOG_NAME_FORMAT}}.log" for moment in began] + ["notes.log"]
    for name in names:
        (logs / name).touch()
    for number in (1, 2, 3):
        (reports / f"{number}.html").touch()
    _prune(history)
    assert not (logs / names[0]).exists()
    assert (logs / names[2]).exists()
    assert (logs / "notes.log").exists()
    assert sorted(page.name for page in reports.iterdir()) == ["2.html", "3.html"]


def test_prune_artifact_that_is_a_file_goes_with_its_folder(history: History) -> None:
    (page,) = history.run().node("Report", {"report": "pipeline.RunReport"}, files={"report.html": "x"})
    artifact = history.artifact(page)
    folder = Path(artifact.uri)
    artifact.uri = str(folder / "report.html")
    history.store.put_artifacts([artifact])
    for _ in range(KEEP):
        history.run().node("Gen")
    assert _prune(history) == 1
    assert not folder.exists()
