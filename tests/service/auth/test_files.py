"""Files of keys and users: read again when they change, and never repeated in a message."""

import base64
import logging
import os
from pathlib import Path

import pytest
import yaml

from common.errors import ConfigError
from service.auth.keys import keys_file, new_key
from service.auth.passwords import hash_password, verify
from service.auth.users import DatabaseUsers, FileUsers, User
from service.database.database import Database
from tests.service.auth.samples import CHEAP, NEW, OLD, write_keys, write_users

HASH = CHEAP.hash("secret")


def test_first_key_of_the_file_signs_and_all_are_there(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    file.write_text(f"zeta: {base64.b64encode(NEW).decode()}\nalpha: {base64.b64encode(OLD).decode()}\n")
    keys = keys_file(file).get()
    assert (keys.first, keys.by_name) == ("zeta", {"zeta": NEW, "alpha": OLD})
    assert "nnn" not in repr(keys) and base64.b64encode(NEW).decode() not in repr(keys)


def test_new_key_is_a_line_of_the_file_and_always_another_one(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    file.write_text(new_key() + new_key())
    keys = keys_file(file).get()
    assert [len(key) for key in keys.by_name.values()] == [32, 32]
    assert len(set(keys.by_name.values())) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "at least one key"),
        ("[]", "at least one key"),
        ("secret", "at least one key"),
        (f"a: {base64.b64encode(b's' * 31).decode()}", "key 1: must be base64 of 32 bytes"),
        ("a: secretsecretsecretsecretsecretsecretsecretsecr!t", "key 1: must be base64"),
        ("a: 1234567890", "key 1: must be base64"),
        ("a: {secret: secret}", "key 1: must be base64"),
        (f"a: {base64.b64encode(NEW).decode()}\nb: secret", "key 2: must be base64"),
        ("secret of somebody: secret", "key 1: its name"),
        ("a: secret\na: secret", "is not YAML, or has a key twice"),
        ("a: [secret", "is not YAML, or has a key twice"),
        ("!!python/object:os.system secret", "is not YAML"),
    ],
)
def test_keys_file_that_cannot_be_used_is_refused_and_not_repeated(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "keys.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=said) as caught:
        keys_file(file)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_keys_file_that_is_missing_or_huge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read \(No such file"):
        keys_file(tmp_path / "keys.yaml")
    (tmp_path / "keys.yaml").write_bytes(b"#" * 10_000_001)
    with pytest.raises(ConfigError, match="is larger than"):
        keys_file(tmp_path / "keys.yaml")


def test_file_that_changes_is_read_again_also_behind_a_link(tmp_path: Path) -> None:
    for name, key in (("..1", OLD), ("..2", NEW)):
        (tmp_path / name).mkdir()
        write_keys(tmp_path / name / "keys.yaml", key=key)
    os.symlink("..1", tmp_path / "data")
    os.symlink("data/keys.yaml", tmp_path / "keys.yaml")
    watched = keys_file(tmp_path / "keys.yaml")
    assert watched.get().by_name == {"key": OLD}
    # As Kubernetes does it: the link changes at once.
    os.symlink("..2", tmp_path / "next")
    os.replace(tmp_path / "next", tmp_path / "data")
    assert watched.get().by_name == {"key": NEW}


def test_file_that_is_broken_later_keeps_what_it_had_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = write_keys(tmp_path / "keys.yaml", key=OLD)
    watched = keys_file(file)
    with caplog.at_level(logging.ERROR):
        for breaking in (lambda: file.write_text("key: hunter2"), file.unlink):
            breaking()
            assert watched.get().by_name == {"key": OLD}
            assert watched.fault is not None
    assert len(caplog.records) == 2
    assert "hunter2" not in caplog.text
    watched.get()
    assert len(caplog.records) == 2  # said once
    write_keys(file, key=NEW)
    assert (watched.get().by_name, watched.fault) == ({"key": NEW}, None)


def test_users_of_a_file_are_found_by_the_bytes_of_their_names(tmp_path: Path) -> None:
    file = write_users(tmp_path / "users.yaml", shop=("p", ["read"]), Shop=("q", ["admin"]))
    users = FileUsers(file)
    found = users.find("shop")
    assert found is not None and found.scopes == {"read"} and verify(found.hash, "p")
    assert users.find("SHOP") is users.find("shop ") is users.find("") is users.find("\0\ud800") is None
    assert "shop" not in repr(found) and "argon2" not in repr(found)
    write_users(file, other=("p", ["read"]))
    assert users.find("shop") is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "at least one user"),
        ({"U-secret": None}, "user 1: must have `hash` and `scopes`"),
        ({"U-secret": {"hash": HASH}}, "user 1: must have `hash` and `scopes`"),
        ({"U-secret": {"hash": HASH, "scopes": ["read"], "password": "secret"}}, "and nothing else"),
        ({"U-secret": {"hash": "secret", "scopes": ["read"]}}, "must be an argon2 hash"),
        ({"U-secret": {"hash": 7, "scopes": ["read"]}}, "hash must be a text"),
        ({"U-secret": {"hash": HASH.replace("argon2id", "argon2i"), "scopes": ["read"]}}, "must be of argon2id"),
        ({"U-secret": {"hash": HASH.replace("m=8", "m=9000000"), "scopes": ["read"]}}, "at most 1048576 KiB"),
        ({"a": {"hash": HASH, "scopes": ["read"]}, "U-secret": {"hash": HASH, "scopes": []}}, "user 2: scopes must be"),
        ({"": {"hash": HASH, "scopes": ["read"]}}, "user 1: a name must have"),
    ],
)
def test_users_file_that_cannot_be_used_is_refused_and_not_repeated(tmp_path: Path, values: object, said: str) -> None:
    file = tmp_path / "users.yaml"
    file.write_text(yaml.safe_dump(values, sort_keys=False))
    with pytest.raises(ConfigError, match=said) as caught:
        FileUsers(file)
    assert "secret" not in str(caught.value) and "$argon" not in str(caught.value).replace("$argon2id$.", "")


def test_users_of_the_database_are_stored_replaced_listed_and_removed(database: Database) -> None:
    users = DatabaseUsers(database)
    first, second = CHEAP.hash("first"), CHEAP.hash("second")
    for name, hashed in (("shop", first), ("Shop", first), ("shop", second)):
        users.put(User(name, hashed, frozenset({"read", "events"})))
    found = users.find("shop")
    assert found == User("shop", second, frozenset({"read", "events"}))
    assert users.names() == [("Shop", frozenset({"read", "events"})), ("shop", frozenset({"read", "events"}))]
    assert users.remove("shop")
    assert not users.remove("shop")
    assert users.find("shop") is users.find("shop ") is users.find("\ud800") is None
    assert users.find("Shop") is not None
    with pytest.raises(ValueError, match="a name must have"):
        users.put(User("x" * 129, first, frozenset({"read"})))


def test_password_of_no_or_too_many_bytes_is_refused() -> None:
    for password in ("", "é" * 513):
        with pytest.raises(ValueError, match="1 to 1024 bytes"):
            hash_password(password)
