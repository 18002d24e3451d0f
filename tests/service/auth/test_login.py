"""Logins: the right password, the same answer for all others, and few at once."""

import asyncio
import threading
import time
from pathlib import Path

import pytest

from service.auth.errors import AuthError, TooManyError
from service.auth.login import Login
from service.auth.passwords import dummy_hash, hash_password, verify
from service.auth.rate_limit import RateLimit
from service.auth.tokens import Identity
from service.auth.users import FileUsers, User
from tests.service.auth.samples import CHEAP, write_users


def unlimited() -> RateLimit:
    return RateLimit(1e9, 10**9)


@pytest.fixture
def users(tmp_path: Path) -> FileUsers:
    return FileUsers(write_users(tmp_path / "users.yaml", shop=("pässword", ["events", "read"])))


def test_right_password_gives_the_identity(users: FileUsers) -> None:
    async def run() -> Identity:
        return await Login(users, unlimited()).identity("shop", "pässword", "127.0.0.1")

    assert asyncio.run(run()) == Identity("shop", frozenset({"events", "read"}))


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("shop", "password"),
        ("shop", ""),
        ("shop", "pässword\0"),
        ("shop", "\ud800"),
        ("shop", "x" * 2000),
        ("Shop", "pässword"),
        ("nobody", "pässword"),
        ("", ""),
        ("\ud800\0", "pässword"),
    ],
)
def test_any_other_name_or_password_gets_the_same_words(users: FileUsers, name: str, password: str) -> None:
    async def run() -> None:
        await Login(users, unlimited()).identity(name, password, "127.0.0.1")

    with pytest.raises(AuthError, match=r"^Name or password is wrong\.$") as caught:
        asyncio.run(run())
    assert caught.value.reason == "credentials"


def test_unknown_user_takes_as_much_cpu_as_a_wrong_password() -> None:
    real, seconds = hash_password("password"), []
    for hashed in (real, dummy_hash(real), dummy_hash(None)):
        began = time.process_time()
        assert not verify(hashed, "wrong")
        seconds.append(time.process_time() - began)
    assert min(seconds) > max(seconds) / 3  # 0.2 s each; a hash that is refused unread takes none


def test_unknown_user_has_a_hash_with_the_parameters_of_the_others() -> None:
    assert dummy_hash(CHEAP.hash("password")).split("$")[:4] == ["", "argon2id", "v=19", "m=8,t=1,p=1"]
    assert dummy_hash(None).split("$")[:4] == hash_password("password").split("$")[:4]


class Slow:
    """Users that are found when the test lets them be."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.now, self.most, self.lock = 0, 0, threading.Lock()
        self.hash = CHEAP.hash("password")

    def find(self, name: str) -> User | None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.goes_on.wait()
        with self.lock:
            self.now -= 1
        return User(name, self.hash, frozenset({"read"}))

    def any_hash(self) -> str | None:
        return self.hash


def test_two_are_checked_at_once_others_wait_and_too_many_are_sent_away() -> None:
    users = Slow()

    async def run() -> list[Identity | BaseException]:
        login = Login(users, unlimited())
        calls = [asyncio.ensure_future(login.identity("shop", "password", "127.0.0.1")) for _ in range(30)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)  # those that are sent away
        users.goes_on.set()
        answers = list(await asyncio.gather(*calls, return_exceptions=True))
        # Now that they are done there is room again.
        assert (await login.identity("shop", "password", "127.0.0.1")).name == "shop"
        login.close()
        return answers

    answers = asyncio.run(run())
    assert sum(isinstance(answer, Identity) for answer in answers) == 22
    assert sum(isinstance(answer, TooManyError) for answer in answers) == 8
    assert users.most <= 2


def test_client_that_goes_away_holds_its_place_until_its_check_is_done() -> None:
    users = Slow()

    async def run() -> None:
        login = Login(users, unlimited())
        calls = [asyncio.ensure_future(login.identity("shop", "password", "127.0.0.1")) for _ in range(22)]
        await asyncio.sleep(0)  # lets the calls begin
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        with pytest.raises(TooManyError):
            await login.identity("shop", "password", "127.0.0.1")
        users.goes_on.set()
        login.close()

    asyncio.run(run())


def test_attempts_of_one_address_are_limited(users: FileUsers) -> None:
    async def run() -> list[str]:
        login, outcomes = Login(users, RateLimit(1 / 6, 2, clock=lambda: 0.0)), list[str]()
        for address in ("10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"):
            try:
                await login.identity("shop", "wrong", address)
            except AuthError:
                outcomes.append("wrong")
            except TooManyError as e:
                outcomes.append(f"again in {e.retry_seconds:.0f}")
        return outcomes

    assert asyncio.run(run()) == ["wrong", "wrong", "again in 6", "wrong"]
