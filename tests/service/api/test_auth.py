"""Logins, tokens and scopes over HTTP. Forged tokens of every kind are in tests/service/auth/test_tokens.py."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml

from service.api import answers
from service.auth.passwords import hash_password
from tests.service.served_shop import ServedShop, Service
from tests.service.small_shop import KINDS, VERSION, shop_items
from tests.serving_signatures.oracle import Oracle, exported
from tests.trainer_inputs import TrainerInputs

PASSWORDS = {"reader": "open sesame", "shop": "knock knock", "boss": "it is me"}
SCOPES = {"reader": ["read"], "shop": ["events"], "boss": ["admin"]}
KEY, OTHER_KEY = b"0123456789abcdef0123456789abcdef", b"abcdef0123456789abcdef0123456789"


@pytest.fixture(scope="module")
def guarded(shop: TrainerInputs, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("guarded")
    users = {name: {"hash": hash_password(word), "scopes": SCOPES[name]} for name, word in PASSWORDS.items()}
    (folder / "users.yaml").write_text(yaml.safe_dump(users))
    keys = {"first": KEY, "second": OTHER_KEY}
    (folder / "keys.yaml").write_text(
        yaml.safe_dump({name: base64.b64encode(key).decode() for name, key in keys.items()})
    )
    auth = {"users_file": "users.yaml", "keys_file": "keys.yaml", "login_attempts_per_minute": 12}
    place = ServedShop(folder, exported(shop), auth=auth)
    place.push(VERSION, shop_items(oracle), KINDS)
    with place.running() as running:
        running.until("is in service")
        yield running


def login(service: Service, user: str) -> dict[str, str]:
    answer = service.post("/v1/login", {"user": user, "password": PASSWORDS[user]})
    answers.Token.model_validate(answer)
    assert answer["expires_in"] == 720
    return {"Authorization": f"Bearer {answer['access_token']}"}


EVENT = {"type": "view", "user": "u1", "item": "i3"}

CALLS = [
    ("GET", "/v1/recommendations?items=i3", None, {"reader", "boss"}),
    ("GET", "/v1/items/i3", None, {"reader", "boss"}),
    ("POST", "/v1/rank", {"candidates": ["i3"]}, {"reader", "boss"}),
    ("GET", "/v1/model", None, {"reader", "boss"}),
    ("POST", "/v1/events", EVENT, {"shop", "boss"}),
    ("GET", "/v1/events/statistics", None, {"boss"}),
]


def test_every_route_wants_its_scope(guarded: Service) -> None:
    headers = {user: login(guarded, user) for user in PASSWORDS}
    for method, path, body, allowed in CALLS:
        for user in PASSWORDS:
            answer = guarded.client.request(method, path, json=body, headers=headers[user])
            assert answer.status_code == (200 if user in allowed else 403), (path, user)
        answer = guarded.client.request(method, path, json=body)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]["code"] == "unauthorized"


def test_path_that_does_not_exist_tells_nothing_without_a_token(guarded: Service) -> None:
    assert guarded.client.get("/v1/nothing").status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json"])
def test_what_is_no_secret_needs_no_token(guarded: Service, path: str) -> None:
    assert guarded.client.get(path).status_code == 200


def test_login_wrong_password_and_unknown_user_are_told_the_same(guarded: Service) -> None:
    said = []
    for user, password in (("boss", "wrong"), ("nobody", "wrong")):
        answer = guarded.client.post("/v1/login", json={"user": user, "password": password})
        assert answer.status_code == 401
        said.append(answer.json())
    assert said[0] == said[1]


@pytest.mark.parametrize("body", [{}, {"user": "boss"}, {"user": "boss", "password": ""}, [], "boss", {"user": 7}])
def test_login_body_that_is_none_is_refused(guarded: Service, body: object) -> None:
    guarded.post("/v1/login", body, 400)


def signed(claims: dict[str, Any], key: bytes = KEY, algorithm: str = "HS256", **header: Any) -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "first", **header})


def unsigned(claims: dict[str, Any], **header: Any) -> str:
    """A token with an empty signature."""
    parts = [json.dumps(part).encode() for part in ({"typ": "JWT", "kid": "first", **header}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), ""])


def tampered(token: str, **changed: Any) -> str:
    """The same signature under other claims."""
    header, claims, signature = token.split(".")
    found = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    other = base64.urlsafe_b64encode(json.dumps({**found, **changed}).encode()).rstrip(b"=").decode()
    return f"{header}.{other}.{signature}"


FORGERIES: dict[str, Callable[[str, dict[str, Any]], str]] = {
    "none": lambda token, claims: "",
    "no token": lambda token, claims: "not a token",
    "alg none": lambda token, claims: unsigned(claims, alg="none"),
    "alg NONE": lambda token, claims: unsigned(claims, alg="NONE"),
    "no alg": lambda token, claims: unsigned(claims),
    "other algorithm": lambda token, claims: signed(claims, algorithm="HS512"),
    "other key": lambda token, claims: signed(claims, b"x" * 32),
    "expired": lambda token, claims: signed({**claims, "exp": int(time.time()) - 1}),
    "not yet valid": lambda token, claims: signed({**claims, "nbf": int(time.time()) + 3600}),
    "issued later": lambda token, claims: signed({**claims, "iat": int(time.time()) + 3600}),
    "wrong audience": lambda token, claims: signed({**claims, "aud": "another"}),
    "wrong issuer": lambda token, claims: signed({**claims, "iss": "another"}),
    "without exp": lambda token, claims: signed({name: v for name, v in claims.items() if name != "exp"}),
    "tampered claims": lambda token, claims: tampered(token, sub="somebody"),
    "more scopes": lambda token, claims: tampered(token, scope="admin"),
    "cut signature": lambda token, claims: token[:-2],
    "no signature": lambda token, claims: token.rpartition(".")[0] + ".",
    "unknown kid": lambda token, claims: signed(claims, kid="third"),
    "swapped kid": lambda token, claims: signed(claims, kid="second"),
    "other key by its kid": lambda token, claims: signed(claims, OTHER_KEY),
    "no kid": lambda token, claims: jwt.encode(claims, KEY, algorithm="HS256"),
    "kid of a file": lambda token, claims: signed(claims, b"x" * 32, kid="../../../dev/null"),
    "key of its own": lambda token, claims: signed(claims, b"x" * 32, jwk={"kty": "oct", "k": "eHh4"}),
    "twice": lambda token, claims: f"{token} {token}",
    "endless": lambda token, claims: "a" * 10_000,
}


@pytest.fixture(scope="module")
def boss(guarded: Service) -> str:
    return login(guarded, "boss")["Authorization"].split()[1]


@pytest.mark.filterwarnings("ignore:The HMAC key is:jwt.InsecureKeyLengthWarning")
@pytest.mark.parametrize("forgery", list(FORGERIES))
def test_token_that_is_forged_is_refused(guarded: Service, boss: str, forgery: str) -> None:
    claims = jwt.decode(boss, KEY, algorithms=["HS256"], audience="perennial")
    forged = FORGERIES[forgery](boss, claims)
    answer = guarded.client.get("/v1/model", headers={"Authorization": f"Bearer {forged}".rstrip()})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthorized"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert not forged or forged not in guarded.output


def test_token_by_hand_passes_so_that_the_forgeries_fail_for_their_own_reason(guarded: Service, boss: str) -> None:
    claims = jwt.decode(boss, KEY, algorithms=["HS256"], audience="perennial")
    for token in (boss, signed(claims), signed(claims, OTHER_KEY, kid="second")):
        assert guarded.client.get("/v1/model", headers={"Authorization": f"bearer {token}"}).status_code == 200


def test_metrics_count_who_was_sent_away_and_nothing_names_a_user_or_secret(guarded: Service) -> None:
    guarded.client.get("/v1/model", headers={"Authorization": "Bearer secret-of-mine"})
    metrics = guarded.client.get("/metrics").text
    assert 'perennial_denied_total{reason="malformed"}' in metrics
    assert 'perennial_denied_total{reason="missing"}' in metrics
    for secret in ("secret-of-mine", "boss", "knock", "Bearer"):
        assert secret not in metrics
        assert secret not in guarded.output


def test_login_too_often_from_one_address_is_told_to_wait(guarded: Service) -> None:
    for _ in range(40):
        answer = guarded.client.post("/v1/login", json={"user": "boss", "password": "wrong"})
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


def test_serve_without_a_decision_about_callers_is_refused(shop: TrainerInputs, tmp_path: Path) -> None:
    place = ServedShop(tmp_path, exported(shop), auth=None)

    done = subprocess.run(
        [sys.executable, "-m", "service", "--config", str(place.config)], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "ConfigError" in done.stderr
    assert "service.auth does not say who may call" in done.stderr
