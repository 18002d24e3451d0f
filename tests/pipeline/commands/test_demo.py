"""`make demo`: what it starts is there."""

from pathlib import Path

from pipeline.commands import demo


def test_runner_is_the_entry_file_at_the_projects_root():
    assert Path(__file__).resolve().parents[3] / "local_runner.py" == demo.RUNNER
    assert demo.RUNNER.is_file()
