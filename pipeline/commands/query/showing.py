"""Shows answers of the service: tables for people, or JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from pipeline.ground.terminal import console, print_json, say

if TYPE_CHECKING:
    from pydantic import BaseModel

    from service.api import answers


def as_json(answer: "BaseModel") -> None:
    """Prints an answer as it came."""
    print_json(answer.model_dump(mode="json", exclude_unset=True))


def items(found: "Sequence[Any]", version: int) -> None:
    """Prints items: listed ones with scores, or those of a search."""
    has_scores = any(hasattr(item, "score") for item in found)
    has_reasons = any(getattr(item, "because", None) for item in found)
    table = Table("", "id", "title", *(["score"] if has_scores else []), *(["nearest of yours"] if has_reasons else []))
    for place, item in enumerate(found, 1):
        cells = [str(place), escape(item.item_id), escape(item.title or "")]
        if has_scores:
            cells.append(f"{item.score:.3f}")
        if has_reasons:
            cells.append(escape(_named(item.because)) if item.because else "")
        table.add_row(*cells)
    console().print(table)
    say(f"Version {version}.", stderr=True)


def basis(answer: "answers.Ranked | answers.Why") -> None:
    """Says what an answer rests on, on standard error."""
    say(f"It rests on: {', '.join(answer.basis)}.", stderr=True)
    if answer.unknown_items:
        say(f"The catalogue does not have: {', '.join(answer.unknown_items)}.", stderr=True)


def why(answer: "answers.Why") -> None:
    """Prints an explanation."""
    place = "left out: the user has met it, or dislikes it" if answer.rank is None else f"rank {answer.rank}"
    say(f"{_named(answer.item)}: {place}, score {answer.item.score:.3f}")
    table = Table("what", "adds")
    for reason in answer.reasons:
        table.add_row(escape("the user" if reason.item is None else _named(reason.item)), f"{reason.adds:+.3f}")
    console().print(table)


def item(found: "answers.ItemFacts") -> None:
    """Prints all that is known of an item."""
    table = Table("what", "value")
    for name, value in found.model_dump(mode="json", exclude_unset=True, exclude={"features"}).items():
        table.add_row(name, escape(str(value)))
    for name, values in (found.features or {}).items():
        table.add_row(escape(name), escape(", ".join(map(str, values))))
    console().print(table)


def model(answer: "answers.ModelAnswer") -> None:
    """Prints what is in service."""
    table = Table("", "version", "pushed at", "items", "users with history")
    for role, found in (("live", answer.live), ("canary", answer.canary)):
        if found is not None:
            users = "" if found.users_with_history is None else str(found.users_with_history)
            table.add_row(role, str(found.version), found.pushed_at or "", str(found.items), users)
    console().print(table)
    for refused in answer.refused:
        say(f"Version {refused.version} is refused: {refused.reason}", stderr=True)


def _named(titled: "answers.Titled") -> str:
    return f"{titled.title} ({titled.item_id})" if titled.title else titled.item_id
