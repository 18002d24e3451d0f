"""Defines the commands `perennial query …`."""

import argparse
from typing import TYPE_CHECKING

from pipeline.commands.arguments import add_count, add_subgroup
from pipeline.commands.query import showing
from pipeline.commands.query.arguments import add_filter, add_question, add_taste, client, ids, taste

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands
    from service.api import answers


def add_parser(commands: "Commands") -> None:
    """Adds `query` to the command line.

    Args:
        commands: The group.
    """
    group = add_subgroup(
        commands,
        "query",
        "ask a running service",
        "A service is started by perennial serve, on this machine or another.",
    )
    recommend = add_question(
        group,
        "recommend",
        "recommend items to a user, or to someone who likes certain items",
        _recommend,
        "Without a user and items, the service recommends what is popular.",
        [
            "perennial query recommend --items 50,181 -k 3",
            "perennial query recommend --user 42 --filter 'genres:Comedy' --diversity 0.3",
            "perennial query recommend --user 42 --url https://shop.example --json",
        ],
    )
    add_taste(recommend)
    recommend.add_argument("--exclude", default="", metavar="IDS", help="leave these items out")
    add_filter(recommend)
    recommend.add_argument("--diversity", type=float, default=0.0, help="mix the list, from 0 to 1 (default: 0)")
    add_count(recommend)

    rank = add_question(
        group,
        "rank",
        "rank candidates for a user, or for someone who likes certain items",
        _rank,
        "Candidates that the catalogue lacks are named.",
        ["perennial query rank 50,181,172 --user 42"],
    )
    rank.add_argument("candidates", metavar="IDS", help="rank these items, separated by commas")
    add_taste(rank)

    why = add_question(
        group,
        "why",
        "show why an item has its place in the recommendations",
        _why,
        "A positive number pulls the item up, a negative one pushes it down.",
        ["perennial query why 172 --items 50,181"],
    )
    why.add_argument("item", metavar="ITEM", help="explain the place of the item with this id")
    add_taste(why)

    similar = add_question(
        group,
        "similar",
        "list the items that are most similar to an item",
        _similar,
        "Similarity is the cosine of embeddings.",
        ["perennial query similar 50 -k 5"],
    )
    similar.add_argument("item", metavar="ITEM", help="compare with the item with this id")
    add_filter(similar)
    add_count(similar)

    item = add_question(
        group,
        "item",
        "show what is known of an item",
        _item,
        "That is its title, features, popularity and times.",
        ["perennial query item 50"],
    )
    item.add_argument("item", metavar="ITEM", help="show the item with this id")

    search = add_question(
        group,
        "search",
        "find items by their titles",
        _search,
        "A part of a title is enough. Accents do not matter, and typing errors are repaired.",
        ["perennial query search 'star wa'"],
    )
    search.add_argument("text", metavar="TEXT", help="search for this text")
    add_count(search)

    for name, which, function in (("popular", "most popular", _popular), ("latest", "newest", _latest)):
        listing = add_question(
            group,
            name,
            f"list the {which} items",
            function,
            "A filter takes items with certain features.",
            [f"perennial query {name} -k 5"],
        )
        add_filter(listing)
        add_count(listing)

    add_question(
        group,
        "model",
        "show which version is in service",
        _model,
        "With --json, it shows provenance and the gate's numbers, too.",
        ["perennial query model", "perennial query model --json"],
    )

    event = add_question(
        group,
        "event",
        "send an event: what a user did with an item",
        _event,
        "The event is then on the service's disk, and changes the user's next recommendations at once.",
        ["perennial query event purchase 42 181", "perennial query event rating 42 181 --value 4"],
    )
    event.add_argument("type", choices=("view", "basket", "purchase", "rating"), help="say what happened")
    event.add_argument("who", metavar="USER", help="name the user by id")
    event.add_argument("item", metavar="ITEM", help="name the item by id")
    event.add_argument("--value", type=float, help="give the rating")
    event.add_argument("--recommendation-id", metavar="ID", help="name the answer that led to the event")


def _show_items(arguments: argparse.Namespace, answer: "answers.Ranked | answers.Items | answers.FoundItems") -> None:
    if arguments.json:
        showing.as_json(answer)
    else:
        showing.items(answer.items, answer.version)


def _recommend(arguments: argparse.Namespace) -> None:
    with client(arguments) as service:
        answer = service.recommend(
            k=arguments.k,
            exclude=ids(arguments.exclude),
            filter=arguments.filter,
            diversity=arguments.diversity,
            **taste(arguments),
        )
    _show_items(arguments, answer)
    if not arguments.json:
        showing.basis(answer)


def _rank(arguments: argparse.Namespace) -> None:
    with client(arguments) as service:
        answer = service.rank(ids(arguments.candidates), **taste(arguments))
    _show_items(arguments, answer)
    if not arguments.json:
        showing.basis(answer)


def _why(arguments: argparse.Namespace) -> None:
    with client(arguments) as service:
        answer = service.why(arguments.item, **taste(arguments))
    if arguments.json:
        showing.as_json(answer)
    else:
        showing.why(answer)
        showing.basis(answer)


def _similar(arguments: argparse.Namespace) -> None:
    with client(arguments) as service:
        answer = service.similar(arguments.item, k=arguments.k, filter=arguments.filter)
    _show_items(arguments, answer)


def _item(arguments: argparse.Namespace) -> None:
    with client(arguments) as service:
        answer = service.item(arguments.item)
    showing.as_json(answer) if arguments.json else showing.item(answer)


def _search(arguments: argparse.Namespace) -> None:
    with client(arguments) as service:
        answer = service.search(arguments.text, k=arguments.k)
    _show_items(arguments, answer)


def _popular(arguments: argparse.Namespace) -> None:
    with client(arguments) as service:
        answer = service.popular(k=arguments.k, filter=arguments.filter)
    _show_items(arguments, answer)


def _latest(arguments: argparse.Namespace) -> None:
    with client(arguments) as service:
        answer = service.latest(k=arguments.k, filter=arguments.filter)
    _show_items(arguments, answer)


def _model(arguments: argparse.Namespace) -> None:
    with client(arguments) as service:
        answer = service.model()
    showing.as_json(answer) if arguments.json else showing.model(answer)


def _event(arguments: argparse.Namespace) -> None:
    from pipeline.ground.terminal import say
    from service.client import Event

    event = Event(
        arguments.type,
        arguments.who,
        arguments.item,
        value=arguments.value,
        recommendation_id=arguments.recommendation_id,
    )
    with client(arguments) as service:
        answer = service.send_events([event])
    if arguments.json:
        showing.as_json(answer)
    else:
        said = {
            "stored": answer.stored,
            "was there already": answer.duplicates,
            "of a forgotten user": answer.forgotten,
        }
        say(", ".join(f"{number} {what}" for what, number in said.items() if number) + ".")
