"""The scripts of `perennial completion`; that for bash is asked as bash asks it."""

import re
import subprocess
from pathlib import Path

import pytest

from pipeline.commands import cli

_ASK = r"""
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
COMP_LINE="$*"
COMP_POINT=${#COMP_LINE}
[[ $(complete -p perennial) =~ -F\ ([^ ]+) ]]
"${BASH_REMATCH[1]}" perennial "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert cli.main(["completion", "bash"]) == 0
    file = tmp_path / "perennial.bash"
    file.write_text(capsys.readouterr().out)
    return file


def _completed(script: Path, *words: str) -> list[str]:
    done = subprocess.run(
        ["bash", "--norc", "-c", _ASK, "bash", script, *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=script.parent,
    )
    assert done.stderr == ""
    return sorted(done.stdout.split())


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("ru",), ["run", "runs"]),
        (("runs", ""), ["diff", "list", "show"]),
        (("vertex", "schedules", "p"), ["pause", "put"]),
        (("vertex", "submit", "--dry"), ["--dry-run"]),
        (("datasets", "fetch", "movie"), ["movielens-100k", "movietweetings"]),
        (("run", "--config", "sh"), ["shop.yaml"]),
    ],
)
def test_bash_completes_commands_options_choices_and_files(
    script: Path, words: tuple[str, ...], offered: list[str]
) -> None:
    (script.parent / "shop.yaml").touch()
    assert _completed(script, "perennial", *words) == offered


@pytest.mark.parametrize(("shell", "begins"), [("zsh", "#compdef perennial"), ("fish", "#")])
def test_other_shells_get_a_script_with_the_commands(
    shell: str, begins: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert script.startswith(begins)
    assert "Resume the schedule; missed runs are not backfilled." in script


def test_zsh_offers_a_group_its_own_commands_and_not_those_of_inner_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", "zsh"]) == 0
    script = capsys.readouterr().out

    def offered(group: str) -> list[str]:
        (block,) = re.findall(rf"^_shtab_{group}_commands\(\) {{(.*?)^}}", script, flags=re.MULTILINE | re.DOTALL)
        return re.findall(r"^ {4}(\S+?):", block, flags=re.MULTILINE)

    assert offered("perennial_vertex") == ["compile", "lint", "rehearse", "runs", "schedules", "submit", "versions"]
    assert offered("perennial_vertex_schedules") == ["list", "pause", "put", "resume"]
    assert offered("perennial_runs") == ["diff", "list", "show"]
    assert "_shtab_perennial_vertex_resume_options" not in script
    assert "resume) _arguments -C -s $_shtab_perennial_vertex_schedules_resume_options ;;" in script


def test_unknown_shell_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["completion", "csh"])
    assert "bash" in capsys.readouterr().err
