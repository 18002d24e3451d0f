"""`perennial vertex lint`: what it prints, and its exit status."""

import json
from pathlib import Path

import pytest

from configs.load import DEFAULT_CONFIG
from pipeline.commands import cli
from pipeline.job.compiled import CompiledJob
from tests.pipeline.job.lint.planted import example_gen, job_of, pipeline_of, trainer


def _written(job: CompiledJob, file: Path) -> str:
    file.write_text(json.dumps(job.document))
    return str(file)


@pytest.fixture
def old(tmp_path: Path) -> str:
    """A job of the old kind: one error and two warnings."""
    examples = example_gen()
    pipeline = pipeline_of(examples, trainer(examples, custom_config={"catalogue": examples.outputs["examples"]}))
    return _written(job_of(pipeline), tmp_path / "old.json")


def _surprising(file: Path) -> str:
    return _written(job_of(pipeline_of(example_gen())), file)


def test_lint_own_config_nothing_found_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["vertex", "lint", "--config", str(DEFAULT_CONFIG)]) == 0
    out = capsys.readouterr().out
    assert f"{DEFAULT_CONFIG}: no findings.\n" in out
    assert "Not checked: tfx-line, since vertex.image_tfx does not say what is in the image.\n" in out


def test_lint_job_with_an_error_prints_rule_place_why_and_fix_status_1(
    old: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["vertex", "lint", "--job", old]) == 1
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[:3] == [
        "error channel-in-custom-config",
        "  task   Trainer",
        "  where  parameter custom_config, field catalogue",
    ]
    assert lines[3].startswith(
        "  why    It is CsvExampleGen's output examples. A Channel in custom_config is serialised"
    )
    assert lines[4].startswith("  fix    Make it an input of the component")
    assert lines[5:7] == ["warning no-resources", "  task   CsvExampleGen, Trainer"]
    assert err == f"JobError: {old}: lint found 1 error(s) and 2 warning(s).\n"


def test_lint_job_alone_says_what_needs_a_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = _surprising(tmp_path / "job.json")
    assert cli.main(["vertex", "lint", "--job", job]) == 0
    assert "Not checked: no-service-account, since the job file does not contain this value" in capsys.readouterr().out
    assert cli.main(["vertex", "lint", "--job", job, "--config", str(DEFAULT_CONFIG)]) == 0
    assert "no-service-account" not in capsys.readouterr().out


def test_lint_strict_warnings_are_enough_for_status_1(tmp_path: Path) -> None:
    job = _surprising(tmp_path / "job.json")
    assert cli.main(["vertex", "lint", "--job", job]) == 0
    assert cli.main(["vertex", "lint", "--job", job, "--strict"]) == 1


def test_lint_json_holds_every_finding_with_its_task(old: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["vertex", "lint", "--job", old, "--json"]) == 1
    output = json.loads(capsys.readouterr().out)
    assert (output["subject"], output["errors"], output["warnings"]) == (old, 1, 2)
    assert [(one["rule"], one["severity"], one["task"]) for one in output["findings"]] == [
        ("channel-in-custom-config", "error", "Trainer"),
        ("no-resources", "warning", "CsvExampleGen"),
        ("no-resources", "warning", "Trainer"),
    ]
    assert all(one["why"] and one["fix"] and one["where"] for one in output["findings"])
    assert set(output["skipped"]) == {"tfx-line", "no-service-account", "dataflow-worker-user"}


def test_lint_config_without_vertex_section_says_what_to_add(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "shop.yaml"
    config.write_text("name: shop\nlog: {path: log.csv}\n")
    assert cli.main(["vertex", "lint", "--config", str(config)]) == 1
    assert "no 'vertex' section" in capsys.readouterr().err


def test_lint_job_that_is_none_is_reported_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "job.json").write_text("{}")
    assert cli.main(["vertex", "lint", "--job", str(tmp_path / "job.json")]) == 1
    assert "is not a compiled job" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--image", "--dataflow-image"])
def test_lint_image_of_a_job_without_config_is_refused(
    option: str, old: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["vertex", "lint", "--job", old, option, f"repository/image@sha256:{'0' * 64}"]) == 1
    assert "--image and --dataflow-image override images of a config" in capsys.readouterr().err
