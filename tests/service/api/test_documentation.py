"""docs/service.md: its calls are answered, its answers have the shape of the contract, and it names every route."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.api import answers
from service.api.errors import ErrorAnswer
from tests.service.served_shop import Service

PAGE = (Path(__file__).parents[3] / "docs" / "service.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
CALLS = [line for kind, text in FENCES if not kind for line in text.splitlines() if line.startswith("curl")]
SHOWN = [json.loads(text) for kind, text in FENCES if kind == "json"]

LOCKED = ("/v1/login", "Authorization")
"""What the open service of these tests does not have; tests/service/api/test_auth.py calls it."""


@pytest.mark.parametrize("call", [call for call in CALLS if not any(word in call for word in LOCKED)])
def test_call_of_the_page_is_answered(service: Service, call: str) -> None:
    words = shlex.split(call.replace("\\\n", " "))
    (url,) = (word for word in words if word.startswith("http"))
    body = words[words.index("-d") + 1] if "-d" in words else None
    path = urlsplit(url)
    # The shop has other features and event types than MovieLens.
    asked = f"{path.path}?{path.query}".replace("genres:Comedy", "genre:g1")
    body = None if body is None else body.replace('"type": "rating", "value": 5', '"type": "view"')
    answer = service.client.get(asked) if body is None else service.client.post(asked, content=body)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("shown", "kind"),
    list(zip(SHOWN, (answers.Recommendations, answers.EventsAnswer, ErrorAnswer), strict=True)),
    ids=lambda value: value.__name__ if isinstance(value, type) else "answer",
)
def test_answer_of_the_page_has_the_shape_of_the_contract(shown: dict[str, Any], kind: Any) -> None:
    kind.model_validate(shown)


def test_page_names_every_route_and_no_other(service: Service) -> None:
    named = {
        path.removesuffix("?item=").removesuffix("?q=")
        for row in re.findall(r"^\| (`GET`.*?|`POST.*?|`GET .*?) \|", PAGE, flags=re.MULTILINE)
        for path in re.findall(r"(/[a-z0-9_{}/.?=]+)", row)
    }
    routes = set(service.get("/openapi.json")["paths"])
    routes |= {"/v1/login", "/metrics", "/openapi.json"}
    assert {f"/v1/items{path}" if path == "/latest" else path for path in named} == routes


def test_page_names_every_parameter_of_a_recommendation(service: Service) -> None:
    (parameters,) = [
        methods["get"]["parameters"]
        for path, methods in service.get("/openapi.json")["paths"].items()
        if path == "/v1/recommendations"
    ]
    for parameter in parameters:
        assert re.search(rf"^\| [^|]*`{parameter['name']}`", PAGE, flags=re.MULTILINE), parameter["name"]


def test_python_of_the_page_of_clients_runs(service: Service) -> None:
    page = Path(__file__).parents[3] / "docs" / "service-clients.md"
    (code,) = re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    # The service of these tests is open, and its shop has other features.
    for there, here in (
        ("http://127.0.0.1:8080", service.url),
        (', user="shop", password=os.environ["PERENNIAL_PASSWORD"]', ""),
        ("genres:Comedy", "genre:g1"),
    ):
        assert there in code
        code = code.replace(there, here)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
