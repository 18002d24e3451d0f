"""The set-up script: which interpreter it takes, and when it has nothing to do."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "bootstrap.sh"
TOOLS = ("bash", "cat", "cut", "dirname", "getconf", "head", "rm", "sha256sum", "sort")


class Machine:
    """A project folder with the script, and a machine that has only what a test puts there."""

    def __init__(self, root):
        self.root = root
        self.project = root / "project"
        self.path = root / "bin"
        self.pyenv = root / "home/.pyenv"
        for folder in (self.project, self.path, self.pyenv):
            folder.mkdir(parents=True)
        for tool in TOOLS:
            (self.path / tool).symlink_to(shutil.which(tool))
        shutil.copy(SCRIPT, self.project)
        for name in ("uv.lock", "pyproject.toml", "setup.py"):
            (self.project / name).write_text(name)

    def on_path(self, version, runs=True):
        return self.script(self.path / f"python{version}", f"echo {version}" if runs else "exit 127")

    def under_pyenv(self, release, runs=True):
        version = release.rsplit(".", 1)[0]
        python = self.pyenv / "versions" / release / "bin/python"
        return self.script(python, f"echo {version}" if runs else "exit 1")

    def uv(self, exit_code=0):
        """A private uv that notes its calls and makes the environment's interpreter."""
        version = next(line.split("=")[1] for line in SCRIPT.read_text().splitlines() if line.startswith("UV_VERSION="))
        self.script(
            self.project / ".uv/bin/uv",
            f'if [ "$1" = --version ]; then echo "uv {version}"; exit 0; fi\n'
            f'echo "$UV_PYTHON_DOWNLOADS $UV_PROJECT_ENVIRONMENT $*" >>{self.root}/calls\n'
            f"/bin/mkdir -p .venv/bin && echo >.venv/bin/python && /bin/chmod +x .venv/bin/python\nexit {exit_code}",
        )

    def calls(self):
        file = self.root / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def run(self, *arguments, libc="2.36", **variables):
        environment = {"PATH": str(self.path), "HOME": str(self.root / "home"), **variables}
        if libc:
            environment["PERENNIAL_LIBC_VERSION"] = libc
        command = [shutil.which("bash"), str(self.project / "bootstrap.sh"), *arguments]
        return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)

    def chosen(self, **environment):
        done = self.run("--print-python", **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @staticmethod
    def script(file, body):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!{shutil.which('bash')}\n{body}\n")
        file.chmod(0o755)
        return str(file)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize("libc", ["2.31", "2.36", "2.38", "2.4"])
def test_old_c_library_takes_python_3_10(machine, libc):
    machine.on_path("3.13")
    expected = machine.on_path("3.10")
    assert machine.chosen(libc=libc) == expected


@pytest.mark.parametrize("libc", ["2.39", "2.41", "2.100", "3.0"])
def test_new_c_library_takes_the_newest_supported_python(machine, libc):
    for version in ("3.10", "3.11", "3.12", "3.14"):
        machine.on_path(version)
    expected = machine.on_path("3.13")
    assert machine.chosen(libc=libc) == expected


def test_newer_python_under_pyenv_goes_before_an_older_one_on_the_path(machine):
    machine.on_path("3.11")
    expected = machine.under_pyenv("3.12.1")
    assert machine.chosen(libc="2.41") == expected


def test_shim_that_refuses_falls_back_to_the_newest_release_under_pyenv(machine):
    machine.on_path("3.10", runs=False)
    machine.under_pyenv("3.10.2")
    expected = machine.under_pyenv("3.10.13")
    machine.under_pyenv("3.1.15")
    assert machine.chosen() == expected


def test_broken_release_under_pyenv_is_passed_over(machine):
    machine.under_pyenv("3.10.13", runs=False)
    expected = machine.under_pyenv("3.10.2")
    assert machine.chosen() == expected


def test_interpreter_on_the_path_goes_before_pyenv(machine):
    machine.under_pyenv("3.10.13")
    expected = machine.on_path("3.10")
    assert machine.chosen() == expected


def test_interpreter_that_is_another_version_than_its_name_is_not_taken(machine):
    Machine.script(machine.path / "python3.10", "echo 3.12")
    expected = machine.under_pyenv("3.10.13")
    assert machine.chosen() == expected


def test_interpreter_of_the_environment_itself_is_not_taken(machine):
    own = machine.project / ".venv/bin"
    Machine.script(own / "python3.10", "echo 3.10")
    expected = machine.on_path("3.10")
    assert machine.chosen(PATH=f"{own}:{machine.path}") == expected


def test_pyenv_root_names_another_folder(machine):
    machine.pyenv = machine.root / "elsewhere"
    expected = machine.under_pyenv("3.10.13")
    assert machine.chosen(PYENV_ROOT=str(machine.pyenv)) == expected


def test_c_library_of_this_machine_is_found_without_help(machine):
    for version in ("3.10", "3.13"):
        machine.on_path(version)
    assert machine.chosen(libc=None).endswith(("3.10", "3.13"))


@pytest.mark.parametrize(
    ("libc", "expected"),
    [
        ("2.36", ("no Python 3.10 found", "C library is 2.36", "pyenv install 3.10")),
        ("2.41", ("no Python 3.13, 3.12 or 3.11 found", "apt-get install python3 python3-venv")),
    ],
)
def test_without_an_interpreter_the_error_names_what_to_install(machine, libc, expected):
    machine.on_path("3.9")
    done = machine.run("--print-python", libc=libc)
    assert done.returncode == 1
    assert done.stdout == ""
    for part in expected:
        assert part in done.stderr


def test_without_glibc_the_error_says_so(machine):
    (machine.path / "getconf").unlink()
    machine.on_path("3.10")
    done = machine.run("--print-python", libc=None)
    assert done.returncode == 1
    assert "not glibc" in done.stderr


def test_unknown_argument_is_an_error_that_names_the_known_one(machine):
    machine.on_path("3.10")
    done = machine.run("--prnt-python")
    assert done.returncode == 1
    assert "unknown argument '--prnt-python'; allowed: --print-python" in done.stderr


def test_second_run_has_nothing_to_do_until_the_lock_changes(machine):
    python = machine.on_path("3.10")
    machine.uv()
    assert machine.run().returncode == 0
    assert machine.calls() == [f"never .venv sync --frozen --python {python}"]
    assert machine.run().returncode == 0
    assert len(machine.calls()) == 1
    (machine.project / "uv.lock").write_text("changed")
    assert machine.run().returncode == 0
    assert len(machine.calls()) == 2


def test_failed_set_up_is_an_error_and_is_taken_up_again(machine):
    machine.on_path("3.10")
    machine.uv(exit_code=2)
    done = machine.run()
    assert done.returncode == 1
    assert "could not be set up" in done.stderr
    machine.uv()
    assert machine.run().returncode == 0
    assert len(machine.calls()) == 2
