"""The command line of the rehearsal, up to where the job starts."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.errors import JobError
from pipeline.commands.cli import main
from pipeline.job.compiled import CompiledJob
from pipeline.job.rehearsal import rehearse as rehearsing
from tests.pipeline.job.rehearsal.place import CONFIG
from tests.pipeline.job.tiny import job, sh, write


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A YAML whose data set is there, with nothing in it."""
    monkeypatch.setenv("PERENNIAL_DATA", str(tmp_path / "datasets"))
    (tmp_path / "datasets" / "books-40m").mkdir(parents=True)
    file = tmp_path / "books.yaml"
    file.write_text(yaml.safe_dump(CONFIG))
    return file


def rehearse(config: Path, *arguments: str) -> int:
    return main(["vertex", "rehearse", "--config", str(config), *arguments])


def test_rehearse_job_that_succeeds_ends_with_zero_and_leaves_logs_and_records(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = write(tmp_path / "tiny.json", job({"a": sh("echo hello")}))
    assert rehearse(config, "--job", str(tiny)) == 0
    (run,) = (tmp_path / "runs" / "books" / "rehearsal" / "runs").iterdir()
    assert (run / "tasks" / "a" / "log.txt").read_text().endswith("hello\n")
    assert json.loads((run / "records" / "a.json").read_text())["state"] == "succeeded"
    assert "1 succeeded" in capsys.readouterr().out


def test_rehearse_job_that_fails_ends_with_one_and_names_task_and_folder(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = write(tmp_path / "tiny.json", job({"a": sh("exit 1")}))
    assert rehearse(config, "--job", str(tiny)) == 1
    message = capsys.readouterr().err
    assert message.startswith("JobError: a failed; logs, inputs and outputs are in ")


def test_rehearse_data_set_stands_in_the_bucket_and_so_does_a_place_that_is_named(config: Path, tmp_path: Path) -> None:
    (tmp_path / "datasets" / "books-40m" / "items.csv").write_text("of the data set")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    read = {
        name: sh(
            "cat {{$.inputs.parameters['place']}}",
            parameters={"place": {"runtimeValue": {"constant": place}}},
        )
        for name, place in (
            ("a", "gs://example-data/datasets/books-40m/items.csv"),
            ("b", "gs://elsewhere/folder/file"),
        )
    }
    tiny = write(tmp_path / "tiny.json", job(read))
    place = f"gs://elsewhere/folder={tmp_path / 'mine'}"
    assert rehearse(config, "--job", str(tiny), "--place", place) == 0
    assert rehearse(config, "--job", str(tiny), "--place", place, "--fresh") == 0  # which deletes no data
    (run,) = (tmp_path / "runs" / "books" / "rehearsal" / "runs").iterdir()
    assert (run / "tasks" / "a" / "log.txt").read_text().endswith("of the data set")
    assert (run / "tasks" / "b" / "log.txt").read_text().endswith("mine")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--parameter", "epochs"), "--parameter 'epochs' is not NAME=VALUE"),
        (("--place", "gs://bucket"), "--place must be gs://BUCKET/FOLDER=FOLDER_HERE; received 'gs://bucket'"),
        (("--job", "none.json"), "none.json: cannot be read"),
    ],
)
def test_rehearse_argument_that_does_not_fit_is_reported(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert rehearse(config, *arguments) == 1
    assert message in capsys.readouterr().err


def test_rehearse_number_of_parallel_tasks_that_is_none_is_a_usage_error(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        rehearse(config, "--parallel", "0")
    assert ended.value.code == 2
    assert "argument --parallel: must be a whole number from 1 to 1000; received 0" in capsys.readouterr().err


def test_rehearse_what_would_happen_on_google_cloud_is_left_out_of_the_compiled_job(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    values: Any = yaml.safe_load(config.read_text())
    values["vertex"] |= {
        "custom_job": {"machine_type": "n1-standard-8"},
        "dataflow": {"max_workers": 3},
        "registry": {"serving_image": "image"},
        "task_resources": {"RegistryPusher": {"cpu": 1}},
    }
    config.write_text(yaml.safe_dump(values))

    compiled = ""

    def look(read: CompiledJob) -> Any:
        nonlocal compiled
        compiled = json.dumps(read.document)
        raise JobError("seen")

    monkeypatch.setattr(rehearsing, "Graph", look)  # before anything runs
    assert rehearse(config) == 1
    assert "DataflowRunner" not in compiled and "n1-standard-8" not in compiled
    assert "Registry" not in compiled
    assert "custom_job, dataflow, registry" in capsys.readouterr().out
