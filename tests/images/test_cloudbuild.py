"""The Cloud Build file: Google's own schema, its substitutions, and our commands as our own parser reads them."""

import re
import shlex
import subprocess
from typing import Any

import pytest
import yaml
from google.cloud.devtools import cloudbuild_v1
from google.protobuf import json_format

from pipeline.cli import _parser
from pipeline.vertex import image
from tests.images.dockerfile import PIPELINE, ROOT, global_arguments, stages

FILE = ROOT / "images/pipeline/cloudbuild.yaml"
BUILD: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
STEPS: dict[str, dict[str, Any]] = {step["id"]: step for step in BUILD["steps"]}
DOCKER = "gcr.io/cloud-builders/docker"
DIGEST = "sha256:" + "0" * 64

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


def _substituted(text: str) -> str:
    """A text as Cloud Build hands it on; a KeyError names a substitution that nobody defines."""

    def value(match: "re.Match[str]") -> str:
        if match[0] == "$$":
            return "$"
        return _value(match[1] or match[2])

    return re.sub(r"\$\$|\$\{(\w+)\}|\$([A-Z_][A-Z0-9_]*)", value, text)


def _value(name: str) -> str:
    known = {**BUILT_IN, **GIVEN, **BUILD["substitutions"]}
    return _substituted(known[name])


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


def _script(step: dict[str, Any]) -> str:
    options, script = step["args"]
    assert step["entrypoint"] == "bash"
    assert options == "-ceu"
    return _substituted(script)


def _perennial_commands() -> dict[str, list[str]]:
    """Every call of our command, by its step: as an entry program, or as a line of a shell script."""
    commands = {}
    for name, step in STEPS.items():
        if step.get("entrypoint") == "perennial":
            commands[name] = [_substituted(argument) for argument in step["args"]]
        elif step.get("entrypoint") == "bash":
            for line in _substituted(step["args"][-1]).splitlines():
                if line.strip().startswith("perennial "):
                    commands[name] = shlex.split(line)[1:]
    return commands


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


def test_what_has_no_default_is_told_in_the_head_of_the_file_and_the_readme() -> None:
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


def test_image_of_dataflow_is_pushed_and_told_by_its_digest() -> None:
    (tag,) = (a.removeprefix("--tag=") for a in _build_arguments("dataflow") if a.startswith("--tag="))
    assert _script(STEPS["dataflow"]).splitlines()[-2:] == [
        f"docker push {tag}",
        f"docker inspect --format 'vertex.dataflow.image: {{{{index .RepoDigests 0}}}}' {tag}",
    ]


def test_image_of_dataflow_is_not_built_unless_asked_for() -> None:
    done = subprocess.run(
        ["bash", "-ceu", _script(STEPS["dataflow"])], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "No _DATAFLOW: there is no image of Dataflow's workers.\n")


def test_pushed_image_goes_on_by_its_digest() -> None:
    pushed = _script(STEPS["push"])
    assert f"docker push {_value('_IMAGE')}:{BUILT_IN['BUILD_ID']}\n" in pushed
    assert "index .RepoDigests 0" in pushed
    assert "|" not in pushed  # of a pipe, the shell would see the last program's failure alone
    for name in ("compile", "lint", "submit"):
        assert '--image "$(cat job/image)"' in _script(STEPS[name])


@pytest.mark.parametrize("name", _perennial_commands())
def test_perennial_command_is_one_that_our_parser_takes(name: str) -> None:
    parsed = _parser().parse_args(_perennial_commands()[name])
    if name != "data":
        assert (ROOT / parsed.config).is_file()
        assert str(parsed.job if name != "compile" else parsed.output) == "job/pipeline.json"


def test_perennial_commands_are_all_looked_at() -> None:
    assert set(_perennial_commands()) == {"data", "compile", "lint", "submit"}


def test_submit_without_a_tag_ends_before_it_submits() -> None:
    done = subprocess.run(
        ["bash", "-ceu", _script(STEPS["submit"])],
        env={"TAG": "", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "No tag: the job is compiled, and not submitted.\n")
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
