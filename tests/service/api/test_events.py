"""Events over HTTP: taken once each, durable, and counted in the next answer."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from documents.service_data import ServiceData
from pipeline.commands import cli
from service.api import answers
from tests.service.api.test_recommendations import ids, wanted
from tests.service.served_shop import ServedShop, Service
from tests.service.small_shop import HISTORIES, KINDS, VERSION, pushed_shop, serving_first, shop_items
from tests.serving_signatures.oracle import Oracle
from tests.trainer_inputs import TrainerInputs


@pytest.fixture(scope="module")
def place(shop: TrainerInputs, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> ServedShop:
    return pushed_shop(tmp_path_factory.mktemp("events"), shop, oracle)


@pytest.fixture(scope="module")
def taking(place: ServedShop) -> Iterator[Service]:
    with serving_first(place) as running:
        yield running


def event(**fields: Any) -> dict[str, Any]:
    return {"type": "view", "user": "u1-0", "item": "i3", **fields}


def test_event_changes_the_next_answer_of_its_user_alone(taking: Service, oracle: Oracle) -> None:
    before = {user: ids(taking.get("/v1/recommendations", user=user, k=5)) for user in ("u1-0", "u0-0")}
    answer = taking.post("/v1/events", event(type="purchase", item="i20"))
    answers.EventsAnswer.model_validate(answer)
    assert answer == {"stored": 1, "duplicates": 0, "forgotten": 0, "unattributed": 0}
    after = taking.get("/v1/recommendations", user="u1-0", k=5)
    assert ids(after) == wanted(oracle, [("i8", 2.0), ("i20", 6.0)], 5, user="u1-0") != before["u1-0"]
    assert after["basis"] == ["user", "history", "events"]
    assert ids(taking.get("/v1/recommendations", user="u0-0", k=5)) == before["u0-0"]


def test_new_users_click_is_enough(taking: Service, oracle: Oracle) -> None:
    taking.post("/v1/events", event(user="brand new", item="i17"))
    answer = taking.get("/v1/recommendations", user="brand new", k=4)
    assert ids(answer) == wanted(oracle, [("i17", 0.5)], 4)
    assert answer["basis"] == ["events"]


def test_page_ignores_events_that_came_after_the_first_page(taking: Service) -> None:
    user = {"user": "pages", "items": "i2"}
    whole = ids(taking.get("/v1/recommendations", **user, k=10))
    first = taking.get("/v1/recommendations", **user, k=5)
    taking.post("/v1/events", event(user="pages", item="i22", type="purchase"))
    second = taking.get("/v1/recommendations", **user, k=5, cursor=first["next"])
    assert ids(first) + ids(second) == whole
    assert ids(taking.get("/v1/recommendations", **user, k=10)) != whole


def test_same_id_again_counts_once(taking: Service) -> None:
    batch = {"events": [event(event_id="e1"), event(event_id="e2", item="i4"), event(event_id="e1")]}
    assert taking.post("/v1/events", batch)["stored"] == 2
    assert taking.post("/v1/events", batch) == {"stored": 0, "duplicates": 3, "forgotten": 0, "unattributed": 0}


@pytest.mark.parametrize("time", [1_790_000_000, 1_790_000_000.5, "2026-09-21T13:33:20Z", "2026-09-21 15:33:20+02:00"])
def test_time_in_seconds_or_iso_8601(taking: Service, time: object) -> None:
    assert taking.post("/v1/events", event(event_id=f"t {time}", time=time))["stored"] == 1


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"type": "rating", "value": 4}, "type", "cannot go into the log, because"),
        ({"type": "look"}, "type", "Input should be 'view', 'basket', 'purchase' or 'rating'"),
        ({"user": ""}, "user", "must have 1 to"),
        ({"item": "x" * 5000}, "item", "must have 1 to"),
        ({"time": "yesterday"}, "time", "ISO 8601"),
        ({"time": -5}, "time", "greater than or equal to 0"),
        ({"time": 4_000_000_000}, "time", "ahead of this service's clock"),
        ({"value": 3}, "value", "other types have none"),
        ({"usr": "u"}, "usr", "there is no such field"),
    ],
)
def test_event_that_cannot_be_taken_is_refused_with_its_field(
    taking: Service, fields: dict[str, Any], field: str, words: str
) -> None:
    error = taking.post("/v1/events", event(**fields), 400)["error"]
    assert error["field"] == field
    assert words in error["message"]
    batch = {"events": [event(), event(**fields)]}
    error = taking.post("/v1/events", batch, 400)["error"]
    assert error["field"] in (f"events[1].{field}", field)


def test_click_and_purchase_are_told_by_version_and_position(taking: Service) -> None:
    answer = taking.get("/v1/recommendations", items="i5", k=4)
    token = answer["recommendation_id"]
    for place in (0, 2):
        item = answer["items"][place]["item_id"]
        taking.post("/v1/events", event(user="clicker", item=item, recommendation_id=token))
    forged = taking.post("/v1/events", event(user="clicker", recommendation_id="A" * 60))
    assert forged["unattributed"] == 1
    found = taking.get("/v1/events/statistics")
    answers.Statistics.model_validate(found)
    views = {one["position"]: one["answers"].get("view", 0) for one in found["positions"] if one["version"] == VERSION}
    assert {position: count for position, count in views.items() if count} == {0: 1, 2: 1}


def test_what_was_acknowledged_is_there_after_sigkill_and_no_log_names_a_user(
    place: ServedShop, taking: Service
) -> None:
    with place.running() as second:
        second.serves(VERSION)
        for n in range(30):
            second.post("/v1/events", event(user="killed", event_id=f"k{n}", item=f"i{n % 24}"))
        second.get("/v1/recommendations", user="killed", items="i3", exclude="i4")
        second.client.get("/v1/recommendations?user=killed%FF")
        second.process.send_signal(signal.SIGKILL)
        second.process.wait()
        assert not re.search(r"killed|\bi\d+\b(?!.*curl)", second.output.replace(_call(second.output), ""))
        second.process.returncode = 0  # as `running` looks for
    again = taking.post("/v1/events", {"events": [event(user="killed", event_id=f"k{n}") for n in range(30)]})
    assert again["duplicates"] == 30


def _call(output: str) -> str:
    """The first call to try, which names the two most popular items."""
    found = re.search(r"curl '.*'", output)
    return found[0] if found else "-"


def test_data_goes_to_the_pipelines_folder(place: ServedShop, taking: Service) -> None:
    assert Path(place.home, "service", "perennial.db").is_file()


@pytest.mark.parametrize("user", ["late", "u2-0"])
def test_forgotten_user_is_nobody_at_once(
    user: str, taking: Service, place: ServedShop, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of them has a history in the version and is unknown to the model; with the other one it is the reverse."""
    nobody = taking.get("/v1/recommendations", k=5)
    assert nobody["basis"] == ["popularity"]
    taking.post("/v1/events", event(user=user, item="i17"))
    assert taking.get("/v1/recommendations", user=user, k=5)["basis"] != ["popularity"]
    assert cli.main(["forget", user, "--config", str(place.config)]) == 0
    assert f"in {1 if user in HISTORIES else 0} pushed version(s)" in capsys.readouterr().out
    answer = taking.get("/v1/recommendations", user=user, k=5)
    assert (answer["basis"], ids(answer)) == (["popularity"], ids(nobody))
    with_items = taking.get("/v1/recommendations", user=user, items="i2", k=5)
    assert with_items["basis"] == ["items"]
    assert ids(with_items) == ids(taking.get("/v1/recommendations", items="i2", k=5))
    assert taking.post("/v1/events", event(user=user, item="i17"))["forgotten"] == 1
    snapshots = (place.home / "service" / "cache" / "snapshots").rglob("*")
    assert not any(user.encode() in file.read_bytes() for file in snapshots if file.name == "histories.sqlite")


def test_events_that_a_version_has_learned_count_until_its_histories_tell_of_them(
    place: ServedShop, taking: Service, oracle: Oracle
) -> None:
    """The last test of the file: it pushes versions that know the first export of events."""
    for user in ("early", "u1-0"):
        taking.post("/v1/events", event(user=user, item="i20", type="purchase"))
    assert cli.main(["events", "export", "--config", str(place.config)]) == 0

    def knows(folder: Path) -> None:
        data = ServiceData.read(folder)
        data.model_copy(update={"events_export": 1}).write(folder)

    bases = {}
    for number, histories in ((VERSION + 1, HISTORIES), (VERSION + 2, None)):
        place.push(number, shop_items(oracle), KINDS, histories, damage=knows)
        taking.serves(number)
        for user in ("u1-0", "early"):
            answer = taking.get("/v1/recommendations", user=user, k=5)
            assert answer["version"] == number
            bases[number, user] = answer["basis"]
    assert bases == {
        (VERSION + 1, "u1-0"): ["user", "history"],
        (VERSION + 1, "early"): ["events"],  # in no history: cleaning may have dropped the user
        (VERSION + 2, "u1-0"): ["user", "events"],
        (VERSION + 2, "early"): ["events"],
    }
