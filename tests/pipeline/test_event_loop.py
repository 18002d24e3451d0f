"""The loop is closed: what people do is in the next run's log, and who is forgotten is in nothing that comes after."""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from configs import home
from configs.load import load_config
from documents.cleaning import CleaningReport
from documents.event_statistics import EventStatistics
from documents.service_data import FOLDER, HISTORIES_FILE, ServiceData
from pipeline.commands.service_database import service_database
from pipeline.ground.home import local_metadata_path
from pipeline.store.runs.records import Run, read_runs
from service.events.event import Event
from service.events.store import EventStore
from tests.service.events import samples
from tests.shop import Shop

NEWCOMER, OLD_HAND = "newcomer-ζ", "old-hand-ζ"
"""A user of the service alone, and one of the log's own files alone."""

MICROSECONDS = 1_000_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("loop"))
    config = yaml.safe_load(shop.config.read_text())
    config["log"]["events"] = True
    # Whether the second model is as good as the first is not what this is about.
    config["gate"]["last_blessed_margin"] = 0.9
    shop.config.write_text(yaml.safe_dump(config))
    with (shop.folder / "interactions" / "part-99999.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "item_id", "rating", "timestamp"])
        writer.writerows([OLD_HAND, item, 5, newest_time(shop) - n] for n, item in enumerate(shop_items(shop)))
    return shop


def log_rows(shop: Shop) -> list[dict[str, str]]:
    parts = sorted((shop.folder / "interactions").glob("part-0*.csv"))
    return [row for part in parts for row in csv.DictReader(part.read_text().splitlines())]


def shop_items(shop: Shop) -> list[str]:
    return list(dict.fromkeys(row["item_id"] for row in log_rows(shop)))[:6]


def newest_time(shop: Shop) -> int:
    return max(int(row["timestamp"]) for row in log_rows(shop))


def newest_run(shop: Shop) -> Run:
    return read_runs(local_metadata_path(load_config(shop.config)), "shop")[-1]


def contents(*places: Path) -> Iterator[tuple[Path, bytes]]:
    """All files as they are, and what compressed ones hold."""
    for place in places:
        for file in sorted(place.rglob("*")):
            if not file.is_file():
                continue
            raw = file.read_bytes()
            yield file, raw
            if raw[:2] == b"\x1f\x8b":
                yield file, gzip.decompress(raw)
            if raw[:4] == b"PAR1":
                yield file, repr(pq.read_table(file).to_pylist()).encode()


def holders(user: str, *places: Path) -> list[str]:
    return sorted({str(file) for file, content in contents(*places) if user.encode() in content})


@pytest.mark.e2e
def test_events_come_into_the_next_run_and_forgotten_users_leave_it(shop: Shop) -> None:
    config, items = load_config(shop.config), shop_items(shop)
    moment = (newest_time(shop) + 60) * MICROSECONDS
    posted = [Event("rating", NEWCOMER, item, moment + n, value=5.0) for n, item in enumerate(items)]
    with service_database(config) as database:
        store = EventStore(database)
        assert store.add([posted])[0].stored == len(items)

        ran = shop.forked("perennial", "run")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert f"Events: wrote {len(items)} to 1 file(s)" in ran.stdout
        examples = Path(newest_run(shop).outputs("Examples")["InteractionGen"].uri)
        assert CleaningReport.read(examples).events_export == 1
        assert EventStatistics.read(examples) == EventStatistics(positions=())
        version = shop.versions[-1]
        data = ServiceData.read(version)
        assert data.events_export == 1
        histories = {row["user_id"]: row["item_id"] for row in pq.read_table(version / HISTORIES_FILE).to_pylist()}
        assert histories[NEWCOMER] == items
        assert histories[OLD_HAND] == items[::-1]
        # The version knows these events, so they are not added to its history again.
        assert samples.newest(store, NEWCOMER, data.events_export) == []
        assert len(samples.newest(store, NEWCOMER) or []) == len(items)

    for user in (NEWCOMER, OLD_HAND):
        assert holders(user, examples, version)
        done = shop.forked("perennial", "forget", user)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"Deleted the history in 1 pushed version(s): {version.name}." in done.stdout
        assert "1 run(s) on this machine" in done.stdout
    kept = [home.events_dir(config), home.database_file(config).parent]
    for user in (NEWCOMER, OLD_HAND):
        assert holders(user, *kept, version / FOLDER) == []
        assert holders(user, version)  # the model itself knows the id, until a newer one takes its place

    again = shop.forked("perennial", "run")
    assert again.returncode == 0, again.stdout + again.stderr
    run = newest_run(shop)
    report = CleaningReport.read(run.outputs("Examples")["InteractionGen"].uri)
    assert report.forgotten_rows == len(items)  # those of the log's own file
    made = {
        Path(artifact.uri)
        for node in run.nodes
        if not node.found  # the last blessed model, which the run before has made
        for artifacts in node.outputs.values()
        for artifact in artifacts
    }
    assert {"InteractionGen", "InteractionTransform", "Trainer"} <= {place.parents[1].name for place in made}
    newest = shop.versions[-1]
    assert newest != version
    for user in (NEWCOMER, OLD_HAND):
        assert holders(user, *kept, newest, *made) == []
    with service_database(config) as database:
        assert samples.newest(EventStore(database), NEWCOMER) is None
        assert EventStore(database).add([posted])[0].forgotten == len(items)
