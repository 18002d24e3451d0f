"""What a token allows."""

from collections.abc import Iterable
from typing import Literal, get_args

from service.auth.errors import AuthError

Scope = Literal["read", "events", "admin"]
"""`read`: ask. `events`: say what people did. `admin`: both, and what concerns the service itself."""

SCOPES: tuple[Scope, ...] = get_args(Scope)


def scopes_of(names: object) -> frozenset[Scope]:
    """Reads a list of scopes.

    Raises:
        ValueError: It is no list, is empty, or names what is no scope.
    """
    known = {scope for scope in SCOPES if isinstance(names, list | tuple | set | frozenset) and scope in names}
    if not known or len(known) != len(names):  # type: ignore[arg-type]  # something is known, so it is a list
        raise ValueError(f"scopes must be a list of one or more of {', '.join(SCOPES)}, each once.")
    return frozenset(known)


def require(scopes: Iterable[Scope], needed: Scope) -> None:
    """Checks that scopes allow something.

    Raises:
        AuthError: They do not; the reason is `scope`.
    """
    if not {needed, "admin"} & set(scopes):
        raise AuthError("scope")
