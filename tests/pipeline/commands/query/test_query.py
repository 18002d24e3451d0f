"""`perennial query …` against the running service."""

import json

import pytest

from pipeline.commands import cli
from pipeline.commands.query.arguments import PASSWORD, TOKEN, URL, USER
from tests.service.conftest import oracle, served_shop, service  # noqa: F401, fixtures
from tests.service.served_shop import Service
from tests.service.small_shop import VERSION


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (URL, TOKEN, USER, PASSWORD):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def asked(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:  # noqa: F811
    monkeypatch.setenv(URL, service.url)
    return service


def printed(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[str, str]:
    assert cli.main(["query", *argv]) == 0
    return capsys.readouterr()


@pytest.mark.e2e
def test_json_is_the_services_own_answer(asked: Service, capsys: pytest.CaptureFixture[str]) -> None:
    for argv, path in (
        (["recommend", "--items", "i3, i5", "-k", "3"], "/v1/recommendations?items=i3,i5&k=3"),
        (["similar", "i7", "-k", "2", "--filter", "genre:g0"], "/v1/items/i7/similar?k=2&filter=genre:g0"),
        (["search", "tale i7", "-k", "1"], "/v1/items/search?q=tale+i7&k=1"),
        (["popular", "-k", "2"], "/v1/items/popular?k=2"),
        (["latest", "-k", "2"], "/v1/items/latest?k=2"),
        (["why", "i9", "--items", "i3"], "/v1/why?item=i9&items=i3"),
        (["model"], "/v1/model"),
    ):
        found, expected = json.loads(printed(capsys, *argv, "--json")[0]), asked.client.get(path).json()
        for answer in (found, expected):
            answer.pop("recommendation_id", None)
            answer.pop("next", None)
        assert found == expected, argv


@pytest.mark.e2e
def test_tables_show_titles_and_what_the_answer_rests_on(asked: Service, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = printed(capsys, "recommend", "--items", "i3,gone", "-k", "2")
    assert "The Tale of i3 (i3)" in out
    assert err == f"Version {VERSION}.\nIt rests on: items.\nThe catalogue does not have: gone.\n"
    assert "The Tale of i4" in printed(capsys, "rank", "i4,i5", "--items", "i3")[0]
    assert "The Tale of i9 (i9): rank" in printed(capsys, "why", "i9", "--items", "i3")[0]
    assert "g0" in printed(capsys, "item", "i7")[0]
    assert str(VERSION) in printed(capsys, "model")[0]
    assert "The Tale of i7" in printed(capsys, "search", "tael i7")[0]


@pytest.mark.e2e
def test_event_changes_what_the_user_is_recommended(asked: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "event", "purchase", "of the command line", "i3")[0] == "1 stored.\n"
    found = json.loads(printed(capsys, "recommend", "--user", "of the command line", "--json")[0])
    assert found["basis"] == ["events"]
    assert "i3" not in [item["item_id"] for item in found["items"]]


@pytest.mark.e2e
def test_refusal_is_the_services_own(asked: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["query", "recommend", "--filter", "nonsense:x"]) == 1
    assert capsys.readouterr().err.startswith("RefusedError: filter")


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({TOKEN: "secret-of-mine", USER: "me"}, "unset one of them"),
        ({USER: "me"}, "must have both"),
        ({PASSWORD: "secret-of-mine"}, "must have both"),
        ({URL: "http://me:secret-of-mine@localhost"}, "holds a user or a password"),
    ],
)
def test_environment_that_does_not_fit_together_is_refused_without_its_secret(
    variables: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["query", "model"]) == 1
    error = capsys.readouterr().err
    assert says in error
    assert "secret-of-mine" not in error
