import re
from xml.etree import ElementTree

from documents.evaluation import ContenderMeasurements
from pipeline.report.charts import lineage, progress, quality
from tests.documents.samples import changed, made
from tests.pipeline.report import worlds


def test_chart_colours_and_fonts_are_the_page_s() -> None:
    svg = progress.cleaning_chart(worlds.CLEANING)
    assert "var(--model)" in svg
    assert not re.search(r"#[0-9a-fA-F]{6}\b", svg)
    assert "font-family" not in svg
    assert "DejaVu" not in svg


def test_chart_is_xml_with_a_description_that_is_escaped() -> None:
    steps = [{"step": '"<b>&', "in": 3, "out": 2}]
    svg = progress.cleaning_chart(changed(worlds.CLEANING, rows=3, bad_rows=0, steps=steps))
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'Interactions left after each step: rows of the files 3, readable 3, "<b>& 2'
    assert '"<b>&' in [text.text for text in root.iter("text")]


def test_two_charts_share_no_id() -> None:
    charts = progress.learning_charts(worlds.TRAINING.epochs, worlds.TRAINING.popularity)
    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in charts]
    assert len(charts) == 5
    assert not ids[0] & ids[1]
    for svg, own in zip(charts, ids, strict=True):
        assert set(re.findall(r'href="#([^"]+)"', svg)) | set(re.findall(r"url\(#([^)]+)\)", svg)) == own


def test_contenders_chart_missing_values_are_left_out() -> None:
    none: dict[str, float | None] = {"value": None, "low": None, "high": None}

    def contender(mrr: dict[str, float | None]) -> ContenderMeasurements:
        return made(ContenderMeasurements, {"metrics": {"mrr": mrr}, "slices": {}})

    contenders = {"model": contender({**none, "value": 0.5}), "popularity": contender(none)}
    svg = quality.contenders_chart(contenders, "mrr")
    assert "mrr: this model 0.500" in svg
    assert ">popularity<" not in svg
    assert quality.contenders_chart({"model": contender(none)}, "mrr") == ""


def test_lineage_chart_draws_an_edge_once_and_only_if_no_longer_way_says_it() -> None:
    states = {"A": "complete", "B": "cached", "C": "failed"}
    svg = lineage.lineage_chart(states, [("A", "B"), ("B", "C"), ("A", "C"), ("A", "B")])
    drawn = [path for path in ElementTree.fromstring(svg).iter("path") if "opacity" in (path.get("style") or "")]
    assert len(drawn) == 2
    assert 'aria-label="Lineage: B from A; C from B, A"' in svg
