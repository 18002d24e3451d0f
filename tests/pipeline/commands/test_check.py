"""`perennial check`: what a run would understand, without a run."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.commands import cli

HEADER = "user_id,item_id,event,time\n"
EVENTS = [(f"u{n % 30}", f"i{n % 20}", ["view", "buy"][n % 2], 1_700_000_000 + 86_400 * n) for n in range(300)]
ITEMS = "id,name,price\n" + "".join(f"i{n},Thing {n},{n}.50\n" for n in range(18)) + "i99,Other,$3\n"


def shop(folder: Path, rows: str = "", items: str = ITEMS, **fields: object) -> str:
    """The config of a shop; its path."""
    log = "".join(f"{user},{item},{event},{moment}\n" for user, item, event, moment in EVENTS) + rows
    (folder / "events.csv").write_text(HEADER + log)
    (folder / "items.csv").write_text(items)
    values = {
        "name": "shop",
        "log": {
            "path": "events.csv",
            "columns": {"user_id": "user_id", "item_id": "item_id", "value": "event", "timestamp": "time"},
            "event_weights": {"view": 0.5, "buy": 6},
            "cleaning": {"max_bad_fraction": 0.1},
        },
        "catalogue": {
            "path": "items.csv", "item_id": "id", "title": "name",
            "features": {"price": {"kind": "number", "column": "price"}},
        },
        **fields,
    }  # fmt: skip
    (folder / "shop.yaml").write_text(json.dumps(values))
    return str(folder / "shop.yaml")


def test_check_shows_rows_steps_overlap_and_warnings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    robot = "".join(f"robot,i{n % 20},view,{1_700_000_000 + n}\n" for n in range(200))
    assert cli.main(["check", "--config", shop(tmp_path, robot + "u1,i1,gaze,5\n")]) == 0
    shown = capsys.readouterr().out
    assert "501 rows of 1 file(s), 1 of them bad" in shown
    assert "2023-11-14T22:13:20Z" in shown
    assert "it has 18 of the 20 items that training knows (90%)" in shown
    assert "Warning: log.columns.user_id: 'robot' has 200 rows, 40% of the log" in shown
    assert "Warning: price: 1 cell(s) of its column hold something else than a number, such as '$3'" in shown
    assert "A run would take about" in shown
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.startswith("  ") and line.strip()}
    assert rows["rows"] == ["500", "31", "20"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.csv", "items.csv", "shop.yaml"]


def test_check_json_holds_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--json", "--config", shop(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cleaning"]["rows"] == 300
    assert found["first_rows"][1] == {
        "user_id": "u1", "item_id": "i1", "timestamp": "2023-11-15T22:13:20Z", "value": 6.0,
    }  # fmt: skip
    assert found["sizes"]["rows"] == {"users": 30, "items": 20}
    assert found["catalogue"]["added_items"] == 2
    assert [warning[:6] for warning in found["warnings"]] == ["price:"]
    assert found["estimated_run_seconds"] >= 45


@pytest.mark.parametrize(
    ("rows", "items", "fields", "message"),
    [
        ("u1,i1,gaze,5\n" * 100, ITEMS, {}, "cleaning.max_bad_fraction"),
        ("u1 ,i1,view,1700000000\n", ITEMS, {}, "user_id: 1 id(s) are written in several ways"),
        ("", ITEMS.replace("\ni", "\nx"), {}, "the log and the catalogue use different ids"),
        ("", "id,name,price\ni1,a,\n", {}, "catalogue.features.price: no item has a value"),
    ],
)  # fmt: skip
def test_check_says_why_a_run_would_stop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: str, items: str, fields: dict[str, object], message: str
) -> None:
    assert cli.main(["check", "--config", shop(tmp_path, rows, items, **fields)]) == 1
    assert message in capsys.readouterr().err


def test_check_says_that_it_reads_all_spans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = Path(shop(tmp_path))
    for n in (1, 2):
        (tmp_path / f"span-{n}").mkdir()
        (tmp_path / f"span-{n}" / "events.csv").write_text((tmp_path / "events.csv").read_text())
    config.write_text(config.read_text().replace('"events.csv"', '"span-{SPAN}/events.csv"'))
    assert cli.main(["check", "--config", str(config)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "600 rows of 2 file(s)" in shown
    assert "span-{SPAN}/events.csv names a span: a run reads the newest one" in shown


def test_check_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = shop(tmp_path)
    (tmp_path / "events.csv").unlink()
    assert cli.main(["check", "--config", config]) == 1
    assert "events.csv: no file matches" in capsys.readouterr().err


@pytest.mark.e2e
def test_check_of_a_million_rows_takes_seconds_and_needs_neither_tfx_nor_beam(tmp_path: Path) -> None:
    config = shop(tmp_path)
    with (tmp_path / "events.csv").open("a") as file:
        for block in range(100):
            file.writelines(
                f"u{(n * 7919) % 20_011},i{(n * 104_729) % 3_001},view,{1_700_000_000 + n}\n"
                for n in range(block * 10_000, block * 10_000 + 10_000)
            )
    (tmp_path / "items.csv").write_text("id,name,price\n" + "".join(f"i{n},Thing {n},{n}.5\n" for n in range(3_001)))
    code = (
        "import sys; from pipeline.commands import cli; "
        f"assert cli.main(['check', '--config', {config!r}]) == 0; "
        "loaded = {'tfx', 'tensorflow', 'apache_beam'} & set(sys.modules); assert not loaded, loaded"
    )
    since = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1,000,300 rows" in done.stdout
    assert time.monotonic() - since < 10 * 3  # 10 s on an idle machine; tests run beside others
