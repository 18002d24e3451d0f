"""What became of answers, added up and drawn."""

from documents.event_statistics import EventStatistics, PositionCounts
from pipeline.report.answers import AnswerCounts, by_position, by_version, shares
from pipeline.report.charts.answers import positions_chart

FOUND = EventStatistics(
    positions=(
        PositionCounts(version=7, position=0, shown=100, view=10, purchase=1),
        PositionCounts(version=7, position=1, shown=80, view=4),
        PositionCounts(version=7, position=400, shown=2, view=1),
        PositionCounts(version=9, position=0, shown=10, basket=2, rating=3),
        PositionCounts(version=9, position=3, shown=0, view=1),
        PositionCounts(version=9, position=10, shown=1),
    )
)


def test_versions_are_added_up_the_newest_first() -> None:
    assert by_version(FOUND) == [AnswerCounts(9, 11, 1, 2, 0, 3), AnswerCounts(7, 182, 15, 0, 1, 0)]


def test_positions_are_those_of_the_newest_version_from_1_to_10() -> None:
    assert by_position(FOUND) == [AnswerCounts(1, 10, 0, 2, 0, 3), AnswerCounts(4, 0, 1, 0, 0, 0)]
    assert by_position(EventStatistics(positions=())) == []


def test_share_of_what_was_never_shown_is_unknown() -> None:
    assert shares(by_position(FOUND), "basket") == [0.2, None]


def test_chart_names_what_happened_and_is_empty_without_answers() -> None:
    svg = positions_chart(by_position(FOUND))
    assert "into a basket" in svg
    assert "looked at</text>" not in svg  # at a position that was never shown
    assert positions_chart([]) == ""
