"""Damaged JSON in a serving folder: each is told with its path, what came and what to do, by every command."""

from collections.abc import Callable
from pathlib import Path

import pytest

from common.errors import OutputError
from documents.push_record import PushRecord
from documents.withdrawn import Withdrawn
from pipeline.store.versions.folder import versions
from pipeline.store.versions.listing import listing
from pipeline.store.versions.push import push
from pipeline.store.versions.rollback import default_target, roll_back
from pipeline.store.versions.withdrawn import withdrawn
from tests.pipeline.store.versions.conftest import Clock
from tests.pipeline.store.versions.folders import make_model, served

NO_OBJECT = ["", "{", "[]", "3", "null", '"x"', "[" * 10_000, "\0"]
RECORDS = [
    *((text, "") for text in NO_OBJECT),
    ('{"model_digest": 7}', "model_digest: "),
    ('{"origin": "x"}', "origin: "),
    ('{"origin": 1.5}', "origin: "),
    ('{"origin": true}', "origin: "),
    ('{"origin": [1]}', "origin: "),
    ('{"pushed_at": 5}', "pushed_at: "),
    ('{"pushed_at": "yesterday"}', "pushed_at: "),
    ('{"source": {}}', "source: "),
    ('{"rolled_back_to": "1000"}', "rolled_back_to: "),
]
PROVENANCES = [
    *((text, "") for text in NO_OBJECT),
    ('{"metrics": []}', "metrics: "),
    ('{"metrics": null}', "metrics: "),
    ('{"metrics": {"model": 3}}', "metrics.model: "),
    ('{"metrics": {"model": {"ndcg@10": "high"}}}', "metrics.model.ndcg@10: "),
    ('{"base_model": true}', "base_model: "),
    ('{"base_model": {"warm": "yes"}}', "base_model.warm: "),
]
LEDGERS = [
    *((text, "") for text in NO_OBJECT),
    ("{}", "models: "),
    ('{"models": []}', "models: "),
    ('{"models": null}', "models: "),
    ('{"models": {"d1": 1000}}', "models.d1: "),
    ('{"models": {"d1": {"at": "today"}}}', "models.d1.version: "),
    ('{"models": {"d1": {"version": "1000", "at": "today"}}}', "models.d1.version: "),
    ('{"models": {"d1": {"version": 1000, "at": 5}}}', "models.d1.at: "),
]


@pytest.fixture
def serving(tmp_path: Path, clock: Clock) -> Path:
    """Models a and b, under 1000 and 1001."""
    for name in "ab":
        push(make_model(tmp_path / name, name), str(tmp_path / "serving"), 5)
    return tmp_path / "serving"


def each_command(serving: Path) -> list[Callable[[], object]]:
    model = make_model(serving.parent / "c", "c")
    return [
        lambda: listing(str(serving)),
        lambda: push(model, str(serving), 5),
        lambda: default_target(str(serving)),
        lambda: roll_back(str(serving), 5, None, 1000),
    ]


@pytest.mark.parametrize(("text", "where"), RECORDS)
def test_record_that_is_damaged_is_reported_and_nothing_is_changed(serving: Path, text: str, where: str) -> None:
    file = serving / "1001" / "assets.extra" / "push.json"
    file.write_text(text)
    for command in each_command(serving):
        with pytest.raises(OutputError, match=rf"^{file} is damaged: {where}.+ Received: .+ Repair it, or delete it: "):
            command()
    assert served(serving) == {1000: "a", 1001: "b"}


def test_record_that_is_removed_leaves_a_version(serving: Path) -> None:
    (serving / "1001" / "assets.extra" / "push.json").unlink()
    before, after = versions(str(serving))
    assert (after.record, after.origin, len(after.digest)) == (PushRecord(), 1001, 64)
    assert default_target(str(serving)) == before.number == 1000


def test_record_model_that_was_first_pushed_as_version_0_is_the_oldest(serving: Path) -> None:
    (serving / "1001" / "assets.extra" / "push.json").write_text('{"origin": 0}')
    assert [version.origin for version in versions(str(serving))] == [1000, 0]


def test_record_keeps_what_nobody_here_reads(serving: Path) -> None:
    (serving / "1001" / "assets.extra" / "push.json").write_text('{"origin": null, "team": {"name": ["shop"]}}')
    record = versions(str(serving))[-1].record
    assert record.to_values() == {"format_version": 1, "team": {"name": ["shop"]}}
    assert record.origin is None


@pytest.mark.parametrize(("text", "where"), PROVENANCES)
def test_provenance_that_is_damaged_is_reported(serving: Path, text: str, where: str) -> None:
    file = serving / "1001" / "assets.extra" / "provenance.json"
    file.write_text(text)
    with pytest.raises(
        OutputError, match=rf"^{file} is damaged: {where}.+ Received: .+ delete the folder of the model's version"
    ):
        listing(str(serving))


@pytest.mark.parametrize(("text", "where"), LEDGERS)
def test_withdrawn_models_that_are_damaged_are_reported_and_nothing_is_changed(
    serving: Path, text: str, where: str
) -> None:
    file = serving / Withdrawn.FILE
    file.write_text(text)
    for command in each_command(serving):
        with pytest.raises(OutputError, match=rf"^{file} is damaged: {where}.+ Received: .+ repair it, or delete it"):
            command()
    assert served(serving) == {1000: "a", 1001: "b"}


def test_withdrawn_models_of_another_hand_keep_what_nobody_here_reads(serving: Path) -> None:
    (serving / Withdrawn.FILE).write_text('{"models": {"d1": {"version": 7, "at": "today", "by": "me"}}}')
    ((digest, found),) = withdrawn(str(serving)).items()
    assert (digest, found.model_dump()) == ("d1", {"version": 7, "at": "today", "by": "me"})


def test_damaged_file_is_repeated_up_to_a_length(serving: Path) -> None:
    (serving / Withdrawn.FILE).write_text('{"models": "' + "x" * 10_000 + '"}')
    with pytest.raises(OutputError) as caught:
        withdrawn(str(serving))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("claim", "version"), [(".claims/1000", 1001), (".claims/x", 1000), (".claims/x/y", 1000), (".claims/1000/x", 1001)]
)
def test_push_claims_of_any_content_take_their_number_and_no_more(
    object_store: Path, tmp_path: Path, clock: Clock, claim: str, version: int
) -> None:
    file = object_store / claim
    file.parent.mkdir(parents=True)
    file.write_text("\0")
    assert push(make_model(tmp_path / "a", "a"), str(object_store), 5).version == version


def test_push_claims_that_are_a_file_are_reported(object_store: Path, tmp_path: Path, clock: Clock) -> None:
    object_store.mkdir()
    (object_store / ".claims").write_text("[]")
    with pytest.raises(
        OutputError, match=rf"^{object_store}: no version could be written .*\.claims is not a directory"
    ):
        push(make_model(tmp_path / "a", "a"), str(object_store), 5)
