"""Asks the real program what its OpenAPI allows, and what it forbids, and looks whether it keeps its word.

`positive_data_acceptance` is left out: a schema cannot say what a filter's text is, or which features there are.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.core.failures import Failure  # noqa: F401

from tests.service.served_shop import Service

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def described(service: Service) -> Any:
    return schemathesis.openapi.from_url(f"{service.url}/openapi.json")


contract = schemathesis.pytest.from_fixture("described")


@contract.parametrize()
@settings(max_examples=40, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_service_keeps_its_word(case: Any) -> None:
    case.call_and_validate()
