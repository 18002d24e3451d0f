from pipeline.commands.notebook import display


def test_table_numbers_stand_right_and_text_is_escaped() -> None:
    html = display.table([{"title": "<b>", "score": 0.12345}, {"title": "x" * 999, "score": None}], "some & more").html
    assert "<caption>some &amp; more</caption>" in html
    assert "<td>&lt;b&gt;</td><td class='number'>0.123</td>" in html
    assert "<td class='number'>–</td>" in html
    assert "x" * 201 not in html


def test_table_of_nothing_says_so() -> None:
    assert display.table([], "Bad rows").html == "<p>Bad rows: no rows.</p>"


def test_html_brings_the_report_s_style_for_itself_alone() -> None:
    html = display.text("a < b")._repr_html_()
    assert "<p>a &lt; b</p>" in html
    assert html.startswith("<style>.perennial {")
    assert ":root" not in html
