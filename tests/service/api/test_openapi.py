"""Asks the real program what its OpenAPI allows, and what it forbids, and looks whether it keeps its word.

schemathesis makes the requests, the same ones each time, and checks each answer: no 5xx, a status, content type and
body that the OpenAPI names, and a refusal of what the OpenAPI forbids. Two of its checks do not fit:
`positive_data_acceptance`, as no schema says what a filter's text is or which features there are; and in URLs
`negative_data_rejection`, as it takes `true` for no text there, and an empty list for no list.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from service.auth.passwords import hash_password
from tests.service.served_shop import ServedShop, Service
from tests.service.small_shop import HISTORIES, KINDS, VERSION, shop_items
from tests.serving_signatures.oracle import Oracle, exported
from tests.trainer_inputs import TrainerInputs

pytestmark = pytest.mark.e2e

EXAMPLES = 20
"""Of each route and mode, so that the whole takes a minute."""

POSITIVE, NEGATIVE = "positive_data_acceptance", "negative_data_rejection"


@pytest.fixture(scope="module")
def guarded(shop: TrainerInputs, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("contract")
    (folder / "users.yaml").write_text(yaml.safe_dump({"boss": {"hash": hash_password("me"), "scopes": ["admin"]}}))
    (folder / "keys.yaml").write_text("first: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
    place = ServedShop(folder, exported(shop), auth={"users_file": "users.yaml", "keys_file": "keys.yaml"})
    place.push(VERSION, shop_items(oracle), KINDS, HISTORIES)
    with place.running() as running:
        running.until("is in service")
        yield running


@pytest.fixture(scope="module")
def token(guarded: Service) -> dict[str, str]:
    answer = guarded.post("/v1/login", {"user": "boss", "password": "me"})
    return {"Authorization": f"Bearer {answer['access_token']}"}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_service_keeps_the_word_of_its_openapi(guarded: Service, token: dict[str, str], mode: Any) -> None:
    described = schemathesis.openapi.from_url(f"{guarded.url}/openapi.json")
    called, broken = set(), []
    for found in described.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        names = [POSITIVE] if operation.method == "post" else [POSITIVE, NEGATIVE]
        unfit = CHECKS.get_by_names(names)

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            called.add(case.operation.label)
            try:
                case.call_and_validate(headers=token, excluded_checks=unfit)  # noqa: B023, it is called at once
            except FailureGroup as e:  # all of them are told, not the first alone
                broken.append("\n".join(str(failure) for failure in e.exceptions))

        with contextlib.suppress(Unsatisfiable):  # a request without parameters cannot be wrong
            ask()
    assert broken == []
    assert len(called) >= 10


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nonsense"}])
def test_every_route_that_wants_a_token_by_the_openapi_refuses_a_request_without(
    guarded: Service, header: dict[str, str]
) -> None:
    described = guarded.get("/openapi.json")
    open_ = {"/v1/login", "/healthz", "/readyz"}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert ("security" in operation) == (path not in open_), path
            if path not in open_:
                answer = guarded.client.request(method, path.replace("{item_id}", "i3"), headers=header)
                assert answer.status_code == 401, path
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
