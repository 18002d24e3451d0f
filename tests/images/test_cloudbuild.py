"""The Cloud Build file: Google's own schema, its substitutions, and our commands as our own parser reads them."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.cloud.devtools import cloudbuild_v1
from google.protobuf import json_format

from configs.load import DEFAULT_CONFIG
from pipeline.commands.cli import _parser
from pipeline.ground import image
from pipeline.runners.vertex.labels import COMMIT_VARIABLE
from tests import forked
from tests.images.dockerfile import PIPELINE, ROOT, global_arguments, stages
from tests.pipeline.vertex_settings import containers_of

FILE = ROOT / "images/pipeline/cloudbuild.yaml"
BUILD: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
STEPS: dict[str, dict[str, Any]] = {step["id"]: step for step in BUILD["steps"]}
DOCKER = "gcr.io/cloud-builders/docker"
DIGEST = "sha256:" + "0" * 64
IMAGE, WORKERS = "repository/pipeline@sha256:" + "ab" * 32, "repository/pipeline-dataflow@sha256:" + "cd" * 32

# https://cloud.google.com/build/docs/configuring-builds/substitute-variable-values
BUILT_IN = {
    "PROJECT_ID": "my-project",
    "BUILD_ID": "0a1b2c3d-0000-4000-8000-000000000000",
    "COMMIT_SHA": "0123456789012345678901234567890123456789",
    "REPO_FULL_NAME": "owner/perennial",
    "TAG_NAME": "v1",
}
# What has no default, so that a build without it is refused.
GIVEN = {
    "_PYTHON_DIGEST": DIGEST,
    "_BEAM_DIGEST": DIGEST,
    "_SERVICE_ACCOUNT": "builder@my-project.iam.gserviceaccount.com",
}
PROGRAMS = {
    DOCKER: {"docker", "bash"},
    "pipeline": {"bash", "perennial", "python"},
    "pipeline-test": {"bash", "perennial", "python"},
}


def _substituted(text: str, **given: str) -> str:
    """A text as Cloud Build hands it on; a KeyError names a substitution that nobody defines."""

    def value(match: "re.Match[str]") -> str:
        if match[0] == "$$":
            return "$"
        return _value(match[1] or match[2], **given)

    return re.sub(r"\$\$|\$\{(\w+)\}|\$([A-Z_][A-Z0-9_]*)", value, text)


def _value(name: str, **given: str) -> str:
    known = {**BUILT_IN, **GIVEN, **BUILD["substitutions"], **given}
    return _substituted(known[name], **given)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for part in value.values() for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []


def _image(step: dict[str, Any]) -> str:
    """The builder, or the last part of our image's name."""
    name = _substituted(step["name"])
    return name if name == DOCKER else name.rsplit("/", 1)[1].split(":")[0]


def _script(step: dict[str, Any], **given: str) -> str:
    options, script = step["args"]
    assert step["entrypoint"] == "bash"
    assert options == "-ceu"
    return _substituted(script, **given)


def _run(name: str, folder: Path, *programs: Path, **given: str) -> "subprocess.CompletedProcess[str]":
    """Runs a step's script in a folder of its own, with `TAG` set.

    Args:
        name: The step's id.
        folder: Stands for Cloud Build's /workspace.
        *programs: Folders of programs, found before those of the system.
        **given: Substitutions.
    """
    path = os.pathsep.join([*map(str, programs), "/usr/bin", "/bin"])
    environment = {**os.environ, "PATH": path, "TAG": BUILT_IN["TAG_NAME"]}
    script = _script(STEPS[name], **given)
    return subprocess.run(["bash", "-ceu", script], cwd=folder, env=environment, capture_output=True, text=True)


def _program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{script}\n")
    (folder / name).chmod(0o755)


def _pushed(folder: Path) -> None:
    """What the steps that push leave for the later ones."""
    (folder / "job").mkdir()
    (folder / "job/image").write_text(f"{IMAGE}\n")
    (folder / "job/dataflow_image").write_text(f"{WORKERS}\n")


def _perennial_steps() -> list[str]:
    """The steps that call our command: as their entry program, or in a line of a shell script."""
    return [
        name
        for name, step in STEPS.items()
        if step.get("entrypoint") == "perennial"
        or (step.get("entrypoint") == "bash" and re.search(r"^\s*perennial ", step["args"][-1], flags=re.MULTILINE))
    ]


def _perennial_arguments(name: str, folder: Path, **given: str) -> list[str]:
    """What our command gets from a step, after both images were pushed."""
    if STEPS[name]["entrypoint"] == "perennial":
        return [_substituted(argument, **given) for argument in STEPS[name]["args"]]
    _pushed(folder)
    _program(folder / "bin", "perennial", r"""printf '%s\0' "$@" >called""")
    done = _run(name, folder, folder / "bin", **given)
    assert (done.returncode, done.stderr) == (0, "")
    return (folder / "called").read_text().split("\0")[:-1]


def test_file_fits_googles_schema() -> None:
    build = json_format.ParseDict(BUILD, cloudbuild_v1.Build.pb(cloudbuild_v1.Build()))
    assert [step.id for step in build.steps] == list(STEPS)


def test_schema_refuses_a_misspelt_field() -> None:
    planted = {**BUILD, "steps": [{**BUILD["steps"][0], "entryPoints": "bash"}]}
    with pytest.raises(json_format.ParseError, match="entryPoints"):
        json_format.ParseDict(planted, cloudbuild_v1.Build.pb(cloudbuild_v1.Build()))


def test_every_substitution_is_defined() -> None:
    for text in _texts([BUILD["steps"], BUILD["serviceAccount"]]):
        # A single dollar that is left would be read as a substitution by Cloud Build.
        assert "$" not in _substituted(text.replace("$$", "")), text


def test_every_substitution_is_used() -> None:
    # Cloud Build refuses a build with one that is not.
    used = "\n".join(_texts([BUILD["steps"], BUILD["serviceAccount"], list(BUILD["substitutions"].values())]))
    for name in [*BUILD["substitutions"], *GIVEN]:
        assert re.search(rf"\$\{{?{name}\b", used), name


def test_what_has_no_default_stands_in_the_head_of_the_file_and_the_readme() -> None:
    head = FILE.read_text().split("\nsubstitutions:")[0]
    readme = (ROOT / "images/README.md").read_text()
    for name in GIVEN:
        assert name not in BUILD["substitutions"]
        assert name in head
        assert name in readme


def test_steps_are_in_the_order_of_their_needs() -> None:
    assert list(STEPS) == [
        "folder",
        "build",
        "build-test",
        "test",
        "data",
        "rehearse",
        "push",
        "dataflow",
        "compile",
        "lint",
        "submit",
    ]
    # Without waitFor a step waits for all before it.
    assert all("waitFor" not in step for step in BUILD["steps"])


@pytest.mark.parametrize("name", STEPS)
def test_entry_program_is_in_the_steps_image(name: str) -> None:
    step = STEPS[name]
    assert step.get("entrypoint", "docker") in PROGRAMS[_image(step)]


def _build_arguments(name: str) -> list[str]:
    """What `docker` gets, as an entry program or as a command of a shell script."""
    if STEPS[name].get("entrypoint") != "bash":
        return [_substituted(argument) for argument in STEPS[name]["args"]]
    (command,) = re.findall(r"^docker (build .*)$", _script(STEPS[name]).replace("\\\n", ""), flags=re.MULTILINE)
    return shlex.split(command)


@pytest.mark.parametrize("name", ["build", "build-test", "dataflow"])
def test_build_gives_every_argument_that_has_no_default(name: str) -> None:
    arguments = _build_arguments(name)
    given = dict(argument.split("=", 2)[1:] for argument in arguments if argument.startswith("--build-arg="))
    wanted = {argument for argument, default in global_arguments(PIPELINE).items() if default is None}
    assert wanted <= given.keys()
    declared = {value.split("=")[0] for stage in stages(PIPELINE) for value in stage.values("ARG")}
    assert given.keys() <= declared | global_arguments(PIPELINE).keys()
    assert f"--file={PIPELINE.relative_to(ROOT)}" in arguments


def test_image_of_later_steps_is_the_one_that_was_built() -> None:
    for build, users in {"build": ["data", "rehearse", "compile", "lint", "submit"], "build-test": ["test"]}.items():
        (tag,) = (argument.removeprefix("--tag=") for argument in STEPS[build]["args"] if argument.startswith("--tag="))
        assert {STEPS[user]["name"] for user in users} == {tag}


@pytest.mark.parametrize(("name", "stage"), [("build-test", "test"), ("dataflow", "dataflow")])
def test_target_of_a_further_build_is_its_stage(name: str, stage: str) -> None:
    assert [a for a in _build_arguments(name) if a.startswith("--target=")] == [f"--target={stage}"]
    assert stage in {found.name for found in stages(PIPELINE)}


@pytest.mark.parametrize("name", ["build", "dataflow"])
def test_image_of_a_job_gets_the_commit_for_its_label(name: str) -> None:
    assert f"--build-arg=COMMIT={BUILT_IN['COMMIT_SHA']}" in _build_arguments(name)


def test_image_of_dataflow_is_pushed_and_goes_on_by_its_digest(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    # There is no Docker where the tests run.
    _program(tmp_path / "bin", "docker", f"""echo "$@" >>calls; [ "$1" != inspect ] || echo {WORKERS}""")
    done = _run("dataflow", tmp_path, tmp_path / "bin", _DATAFLOW="yes")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{WORKERS}\n", "")
    assert (tmp_path / "job/dataflow_image").read_text() == f"{WORKERS}\n"
    (tag,) = (a.removeprefix("--tag=") for a in _build_arguments("dataflow") if a.startswith("--tag="))
    build, *others = (tmp_path / "calls").read_text().splitlines()
    assert build.startswith("build ")
    assert others == [f"push {tag}", f"inspect --format {{{{index .RepoDigests 0}}}} {tag}"]


def test_image_of_dataflow_is_not_built_unless_asked_for() -> None:
    done = subprocess.run(
        ["bash", "-ceu", _script(STEPS["dataflow"])], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "_DATAFLOW is empty: no image for Dataflow's workers is built.\n")


def test_pushed_image_goes_on_by_its_digest() -> None:
    pushed = _script(STEPS["push"])
    assert f"docker push {_value('_IMAGE')}:{BUILT_IN['BUILD_ID']}\n" in pushed
    assert "index .RepoDigests 0" in pushed
    assert "|" not in pushed  # of a pipe, the shell would see the last program's failure alone


@pytest.mark.parametrize("dataflow", ["", "yes"])
@pytest.mark.parametrize("name", _perennial_steps())
def test_perennial_command_is_one_that_our_parser_takes_with_the_images_of_the_build(
    name: str, dataflow: str, tmp_path: Path
) -> None:
    parsed = _parser().parse_args(_perennial_arguments(name, tmp_path, _DATAFLOW=dataflow))
    if name != "data":
        assert (ROOT / parsed.config).is_file()
        assert str(parsed.job if name != "compile" else parsed.output) == "job/pipeline.json"
        assert (parsed.image, parsed.dataflow_image) == (IMAGE, WORKERS if dataflow else None)


def test_perennial_commands_are_all_looked_at() -> None:
    assert _perennial_steps() == ["data", "compile", "lint", "submit"]


@pytest.mark.e2e
def test_job_of_the_build_has_both_images_in_place_of_those_of_the_config(tmp_path: Path) -> None:
    values = yaml.safe_load(DEFAULT_CONFIG.read_text())
    values["vertex"]["dataflow"] = {"image": "repository/earlier@" + DIGEST}
    values["schema_dir"] = str(DEFAULT_CONFIG.parent / "schemas")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    _pushed(tmp_path)
    for name in ("compile", "lint"):
        done = _run(name, tmp_path, forked.programs(), _DATAFLOW="yes", _CONFIG="config.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "make sure that it is from the same build" not in done.stderr
    job = (tmp_path / "job/pipeline.json").read_text()
    assert set(re.findall(r'sdk_container_image=([^"]*)', job)) == {WORKERS}
    assert {container["image"] for container in containers_of(json.loads(job)).values()} == {IMAGE}


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["compile", "lint", "submit"])
def test_missing_image_of_dataflow_is_an_error_and_not_an_earlier_one(name: str, tmp_path: Path) -> None:
    _pushed(tmp_path)
    (tmp_path / "job/dataflow_image").unlink()
    done = _run(name, tmp_path, forked.programs(), _DATAFLOW="yes", _CONFIG=str(DEFAULT_CONFIG))
    assert done.returncode == 1
    assert "--dataflow-image must name the image by its digest" in done.stderr


def test_submit_without_a_tag_ends_before_it_submits() -> None:
    done = subprocess.run(
        ["bash", "-ceu", _script(STEPS["submit"])],
        env={"TAG": "", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "The build has no tag: the job is compiled but not submitted.\n")
    assert "TAG=$TAG_NAME" in STEPS["submit"]["env"]


def test_what_a_trigger_says_is_no_part_of_a_script() -> None:
    # Whoever may push a tag or branch chooses the text.
    for step in STEPS.values():
        if step.get("entrypoint") == "bash":
            assert not re.search(r"\$\{?(TAG_NAME|BRANCH_NAME|REPO_FULL_NAME)", step["args"][-1]), step["id"]


@pytest.mark.parametrize("name", [name for name, step in STEPS.items() if _image(step) != DOCKER])
def test_step_in_our_image_has_the_users_home(name: str) -> None:
    assert f"HOME={image.HOME}" in STEPS[name]["env"]


def test_folder_between_steps_is_the_users() -> None:
    owner = f"--owner={image.USER_ID} --group={image.GROUP_ID}"
    assert _script(STEPS["folder"]) == f"install --directory {owner} job"


def test_timeout_of_the_build_is_that_of_its_steps_or_more() -> None:
    limits = [int(step["timeout"].rstrip("s")) for step in BUILD["steps"] if "timeout" in step]
    assert int(BUILD["timeout"].rstrip("s")) >= sum(limits)
    assert all(limit <= 24 * 3600 for limit in limits)


def test_logs_go_where_an_account_of_ones_own_may_write() -> None:
    # With serviceAccount, Cloud Build asks for logsBucket or this.
    assert BUILD["options"]["logging"] == "CLOUD_LOGGING_ONLY"


def test_commit_is_named_where_the_label_is_written() -> None:
    steps = [name for name, step in STEPS.items() if any(COMMIT_VARIABLE in value for value in step.get("env", []))]
    assert steps == ["compile"]
