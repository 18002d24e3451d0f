"""Runs `make demo`: from no data to recommendations on MovieLens 100K, with the `tfx` commands that a user types."""

import os
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

from common.errors import PerennialError
from configs.load import CONFIG_VARIABLE, DEFAULT_CONFIG, load_config
from pipeline import datasets
from pipeline.commands import cli
from pipeline.ground.home import local_home

RUNNER = Path(__file__).resolve().parents[2] / "local_runner.py"
FILMS = ("Star Wars (1977)", "Toy Story (1995)", "Silence of the Lambs, The (1991)")
USER = "42"


def main() -> int:
    """Fetches the data, creates and runs the pipeline, and asks the pushed model; returns the exit status."""
    console, since = Console(), time.monotonic()
    config = load_config(DEFAULT_CONFIG)
    environment = {
        **os.environ,
        CONFIG_VARIABLE: str(DEFAULT_CONFIG),
        # The tfx command looks for the environment's pip.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        # The CLI's record of pipelines, by default in ~/tfx/local; the demo writes only into its own folder.
        "LOCAL_HOME": str(local_home(config) / "tfx"),
    }
    exists = (local_home(config) / "tfx" / config.name).exists()
    try:
        console.rule("1 of 3: the data")
        datasets.fetch("movielens-100k", console=console)
        console.rule("2 of 3: the pipeline")
        for arguments in (
            ["pipeline", "update" if exists else "create", "--engine=local", f"--pipeline_path={RUNNER}"],
            ["run", "create", "--engine=local", f"--pipeline_name={config.name}"],
        ):
            console.print(f"$ tfx {' '.join(arguments)}", highlight=False, soft_wrap=True)
            _tfx(arguments, environment)
        console.rule("3 of 3: the model")
        for film in FILMS:
            console.print(f'$ perennial similar "{film}" -k 5', highlight=False)
            if cli.main(["similar", film, "-k", "5", "--config", str(DEFAULT_CONFIG)]):
                return 1
        console.print(f"$ perennial recommend --user {USER}", highlight=False)
        if cli.main(["recommend", "--user", USER, "--config", str(DEFAULT_CONFIG)]):
            return 1
    except PerennialError as e:
        print(f"{type(e).__name__}: {e}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as e:
        print(
            f"The tfx command above ended with status {e.returncode}; its output is above this line.",
            file=sys.stderr,
        )
        return 1
    from pipeline.runners.local import show_places  # imports TFX, which takes seconds; the steps above do not need it

    show_places(config, console)
    console.print(f"The demo took {time.monotonic() - since:.0f} s.", highlight=False)
    return 0


def _tfx(arguments: list[str], environment: dict[str, str]) -> None:
    # TensorFlow's and Google's import-time warnings go to standard error; they are shown only if the command fails.
    tfx = Path(sys.executable).with_name("tfx")
    done = subprocess.run([tfx, *arguments], env=environment, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.stderr.write(done.stderr)
        done.check_returncode()


if __name__ == "__main__":
    sys.exit(main())
