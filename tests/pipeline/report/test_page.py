import dataclasses
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from matplotlib.figure import Figure

from configs.ids import Ids
from pipeline.components.catalogue_gen.catalogue import make_catalogue
from pipeline.components.serving_check.replay import nothing_asked
from pipeline.report import page as page_module
from pipeline.report.facts import Part, RunFacts
from pipeline.report.page import SECTIONS, build_page
from tests.documents.samples import changed
from tests.pipeline.report import worlds

_VOID = {"meta", "link", "br", "hr", "img", "input"}


class _Document(HTMLParser):
    """Checks nesting, collects ids, links, headings and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag not in _VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids[value or ""] += 1
            if name in ("href", "src", "action", "data", "srcset"):
                self.links.append(value or "")
            assert not name.startswith("on"), name

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


@pytest.fixture(scope="module")
def documents(pages: dict[str, str]) -> dict[str, _Document]:
    return {name: _Document(page) for name, page in pages.items()}


@pytest.mark.parametrize("name", ["pushed", "refused", "failed", "replay"])
def test_page_is_well_nested_and_asks_nothing_of_the_network(
    name: str, pages: dict[str, str], documents: dict[str, _Document]
) -> None:
    document = documents[name]
    assert document.open == []
    assert [id_ for id_, times in document.ids.items() if times > 1] == []
    outside = [link for link in document.links if not link.startswith("#") and link != "data:,"]
    assert outside == []
    assert {link[1:] for link in document.links if link.startswith("#")} <= set(document.ids)
    assert document.tags["script"] == 0
    assert document.tags["h1"] == 1
    assert "@import" not in pages[name]
    assert not re.search(r"url\((?!#)", pages[name])
    assert len(pages[name].encode()) < 2_000_000


def test_page_of_a_hostile_title_holds_it_as_text(documents: dict[str, _Document], pages: dict[str, str]) -> None:
    assert worlds.HOSTILE in documents["pushed"].text
    assert "<script" not in pages["pushed"]


def test_page_pushed_has_every_section_and_the_numbers(documents: dict[str, _Document]) -> None:
    document = documents["pushed"]
    assert set(SECTIONS) <= set(document.ids)
    assert "absent" not in document.ids
    for said in (
        "Pushed as version 1795269697",
        "0.0892",
        "+0.00357",
        "99,963",
        "1,391 carried",
        "✓ target",
        "13 s",
        "4,321",
    ):
        assert said in document.text, said


def test_page_says_the_decision_before_anything_else(pages: dict[str, str]) -> None:
    places = [pages["refused"].index(said) for said in ("<h1>Refused by the gate", "✗ failed", "<svg", 'id="quality"')]
    assert places == sorted(places)


def test_page_failed_says_what_is_missing(documents: dict[str, _Document]) -> None:
    text = documents["failed"].text
    assert "Failed in DataGate" in text
    assert "Unexpected string values: <b>." in text
    assert "OUT_OF_RANGE" in text
    assert "No model of this run was evaluated." in text
    assert "quality" not in documents["failed"].ids


def test_page_of_a_model_handed_on_tells_of_no_training() -> None:
    document = _Document(build_page(worlds.handed_on()))
    assert (
        "Nothing has changed since the last blessed model, so it was copied and nothing was trained." in document.text
    )
    assert "learning" not in document.ids
    assert "8 epochs" not in document.text
    assert "loss" not in document.text


def test_page_names_the_settings_that_come_from_the_tuner() -> None:
    facts = worlds.pushed()
    assert facts.training is not None and "From the tuner" not in build_page(facts)
    training = changed(facts.training, tuned={"temperature": 0.1, "embedding_dim": 32})
    page = build_page(dataclasses.replace(facts, training=training))
    assert "From the tuner, in place of the config's: temperature 0.1, embedding_dim 32." in page


def test_page_data_not_compared_says_why() -> None:
    assert "Not compared: there is no blessed model yet." in _Document(build_page(worlds.first())).text
    lost = "the last blessed model has no record of the data that it learned from"
    gate = changed(worlds.DATA_GATE, checks=[], not_compared_because=lost)
    assert f"Not compared: {lost}." in _Document(build_page(dataclasses.replace(worlds.pushed(), data_gate=gate))).text


def test_page_anomaly_that_data_gate_ignored_is_marked() -> None:
    seen = [worlds.anomaly("train", name, "OUT_OF_RANGE", "7 > 5 (max).") for name in ("value", "timestamp")]
    finding = seen[0].model_copy(update={"ignored": True})
    gate = changed(worlds.DATA_GATE, ignored=[finding.model_dump()])
    page = build_page(dataclasses.replace(worlds.pushed(), anomalies=tuple(seen), data_gate=gate))
    rows = [row for row in page.split("<tr>") if "OUT_OF_RANGE" in row]
    assert [("ignored" in row, "value" in row) for row in rows] == [(True, True), (False, False)]


def test_page_paths_start_at_the_pipeline_s_home_or_the_person_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "anna"))
    home = tmp_path / "anna" / "Q & A" / "shop"
    error = f"{home}/artifacts/model is gone; {tmp_path}/anna/log.csv is there, {tmp_path}/other/log.csv too"
    parts = {"model": Part(f"{home}/artifacts/model/7"), "pushed_model": Part("gs://bucket/7")}
    run = worlds.run(failed="InteractionGen", error=error)
    document = _Document(build_page(RunFacts(pipeline="shop", run=run, parts=parts), home))
    assert f"artifacts/model is gone; ~/log.csv is there, {tmp_path}/other/log.csv too" in document.text
    assert "anna" not in document.text
    assert "gs://bucket/7" in document.text


def test_page_home_at_the_root_changes_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/")
    run = worlds.run(failed="InteractionGen", error="/data/log.csv is gone")
    document = _Document(
        build_page(RunFacts(pipeline="shop", run=run, parts={"model": Part("gs://bucket/7")}), Path("/"))
    )
    assert "/data/log.csv is gone" in document.text
    assert "gs://bucket/7" in document.text


def test_page_of_nothing_is_a_page() -> None:
    document = _Document(build_page(RunFacts(pipeline="shop")))
    assert "Not finished" in document.text
    assert document.open == []


def test_page_without_a_catalogue_items_are_those_of_the_log() -> None:
    _, catalogue, _ = make_catalogue([], None, pa.table({"item_id": ["b1", "b2"], "count": [1, 1]}), Ids())
    document = _Document(build_page(dataclasses.replace(worlds.pushed(), catalogue=catalogue)))
    assert "2 items, 2 of them known from the log only." in document.text
    assert "Content features" not in document.text


def test_page_shows_a_robot_and_the_check_of_its_share_though_nothing_was_compared() -> None:
    robot = {"column": "user_id", "id": "<b>-1", "rows": 25_000, "share": 0.25, "next_rows": 737}
    check = {
        "check": "share",
        "data": "interactions",
        "split": "",
        "feature": "user_id",
        "measure": "share",
        "value": 0.25,
        "limit": 0.3,
        "passed": True,
        "detail": "'<b>-1' has 25,000 rows",
    }
    pushed = worlds.pushed()
    assert pushed.data_gate is not None
    gate = changed(pushed.data_gate, checks=[check], compared_with=None, not_compared_because="no model yet")
    text = _Document(
        build_page(dataclasses.replace(pushed, cleaning=changed(worlds.CLEANING, outliers=[robot]), data_gate=gate))
    ).text
    assert "Far more rows than the rest" in text
    assert "<b>-1" in text
    assert "Not compared: no model yet." in text
    assert "has 25,000 rows" in text


def test_page_model_that_could_not_be_asked_shows_the_gate_alone() -> None:
    rule = {
        "rule": "scoreable",
        "passed": False,
        "metric": None,
        "value": None,
        "limit": None,
        "low": None,
        "high": None,
    }
    evaluation = changed(
        worlds.evaluation(first=True),
        contenders={},
        differences={},
        samples={"recommendations": [], "neighbours": []},
        decision={"blessed": False, "rules": [{**rule, "detail": "The model cannot be scored: no signature."}]},
    )
    document = _Document(build_page(RunFacts(pipeline="shop", evaluation=evaluation)))
    assert "Refused by the gate: scoreable" in document.text
    assert "gate" in document.ids
    assert "quality" not in document.ids


def test_page_built_twice_is_the_same() -> None:
    facts = dataclasses.replace(worlds.failed(), warm_start=worlds.WARM_START, serving_check=worlds.SERVING_CHECK)
    assert build_page(facts) == build_page(facts)


def test_page_of_endless_texts_is_bounded() -> None:
    run = worlds.run(failed="DataGate", error="x" * 10_000_000)
    assert len(build_page(dataclasses.replace(worlds.failed(), run=run))) < 100_000


@pytest.mark.parametrize(
    "changes",
    [
        nothing_asked("the process was killed after 300 s"),
        {
            "failures": ["recommend: score is not finite"],
            "signatures": {"recommend": {"requests": 5, "max_difference": 0.5}},
        },
    ],
)
def test_page_serving_check_that_failed_before_it_timed_anything_is_reported(changes: dict[str, Any]) -> None:
    check = changed(worlds.SERVING_CHECK, blessed=False, **changes)
    page = build_page(dataclasses.replace(worlds.pushed(), serving_check=check))
    assert check.failures[0] in page


def test_page_of_the_same_run_draws_no_chart_again_and_another_run_does(monkeypatch: pytest.MonkeyPatch) -> None:
    canvases: list[Figure] = []
    monkeypatch.setattr(page_module, "_DRAWN", {})
    savefig = Figure.savefig

    def counted(figure: Figure, *args: Any, **kwargs: Any) -> None:
        canvases.append(figure)
        savefig(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", counted)
    facts = worlds.pushed()
    first = build_page(facts)
    drawn = len(canvases)
    assert first == build_page(facts)
    assert len(canvases) == drawn > 10
    assert facts.cleaning is not None
    other = dataclasses.replace(facts, cleaning=changed(facts.cleaning, rows=facts.cleaning.rows + 1))
    assert build_page(other) != first
    assert len(canvases) == drawn + 1


def test_page_without_events_has_no_section_and_does_not_miss_one(documents: dict[str, _Document]) -> None:
    page = build_page(dataclasses.replace(worlds.pushed(), events=None))
    assert "events" not in _Document(page).ids
    assert SECTIONS["events"] not in page
    assert SECTIONS["events"] in documents["pushed"].text
