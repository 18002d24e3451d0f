"""Defines who may call the service."""

from pydantic import Field

from configs.base import Settings


class Auth(Settings):
    """Users, and the tokens that they get.

    Example:
        service:
          auth: {users_file: /run/secrets/users.yaml, keys_file: /run/secrets/keys.yaml}
    """

    keys_file: str
    """File with the keys that sign tokens, a mounted secret; `perennial users key` writes one. It is a YAML mapping of
    a key's name to the key in base64, of 32 bytes or more. The first key signs, all of them are accepted: for a
    rotation, put the new one first and remove the old one when its tokens have expired. It is read again when it
    changes."""

    users_file: str | None = None
    """File with the users, a mounted secret: a YAML mapping of a user's name to `hash`, which `perennial users hash`
    prints, and `scopes`. It is read again when it changes. None: the users are in the database, see `perennial
    users`."""

    token_seconds: int = Field(default=720, ge=10, le=86_400)
    """How long a token is valid. Default 720: clients log in again every 12 minutes."""

    issuer: str = Field(default="perennial", min_length=1)
    """The `iss` claim of tokens."""

    audience: str = Field(default="perennial", min_length=1)
    """The `aud` claim of tokens. Give each deployment its own, so that a token of one is refused by another."""

    login_attempts_per_minute: int = Field(default=10, ge=1)
    """Logins that one address may try in a minute; more are answered with 429."""
