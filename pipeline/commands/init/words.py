"""What names and cells of logs and catalogues look like."""

import datetime
import re
from collections.abc import Iterable, Sequence

EMPTY = frozenset({"", "\\N", "NULL", "null", "nan", "NaN", "None", "NA", "<NA>"})

USER = (
    "user", "userid", "uid", "visitor", "visitorid", "customer", "customerid", "client", "clientid", "member",
    "memberid", "account", "accountid", "reviewer", "reviewerid", "buyer", "buyerid", "listener", "listenerid",
    "reader", "readerid", "person", "personid", "session", "sessionid", "profileid", "householdid", "cookie",
)  # fmt: skip
"""Names of a column of users, letters and digits alone, the most usual first."""

ITEM = (
    "item", "itemid", "iid", "product", "productid", "sku", "asin", "parentasin", "article", "articleid", "movie",
    "movieid", "film", "filmid", "book", "bookid", "isbn", "song", "songid", "track", "trackid", "artist", "artistid",
    "video", "videoid", "news", "newsid", "content", "contentid", "game", "gameid", "app", "appid", "course",
    "courseid", "recipe", "recipeid", "anime", "animeid", "business", "businessid", "place", "poi", "poiid", "page",
    "pageid", "document", "documentid", "listing", "listingid", "offer", "offerid", "stockcode",
)  # fmt: skip

TIME = (
    "timestamp", "time", "ts", "datetime", "date", "eventtime", "eventtimestamp", "createdat", "created", "updatedat",
    "unixreviewtime", "reviewtime", "day", "when", "purchasedate", "orderdate", "dt", "watchedat", "playedat",
)  # fmt: skip

EVENT = ("event", "eventtype", "action", "actiontype", "behavior", "behaviortype", "behaviour", "interaction", "type")
"""Names of a column of event types."""

VALUE = (
    "rating", "ratings", "score", "stars", "star", "value", "overall", "weight", "plays", "playcount", "count",
    "quantity", "qty", "strength", "preference",
)  # fmt: skip
"""Names of a column of numbers that say how much a user likes an item."""

TITLE = ("title", "name", "productname", "itemname", "movietitle", "booktitle", "songname", "trackname", "producttitle")

EVENT_WEIGHTS = {
    6.0: (
        "purchase", "purchased", "buy", "bought", "transaction", "order", "ordered", "sale", "checkout", "pay", "paid",
    ),
    2.0: (
        "addtocart", "cart", "addcart", "basket", "addtobasket", "fav", "favorite", "favourite", "wishlist", "like",
        "save", "bookmark", "collect", "share",
    ),
    0.5: ("view", "pv", "click", "browse", "impression", "detail", "visit", "open", "pageview", "productview", "play"),
}  # fmt: skip
"""Weights of the usual event types."""

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d(:?\d\d)?.*)?")
_WHOLE = re.compile(r"[+-]?\d{1,19}")

_EARLIEST = datetime.datetime(1990, 1, 1, tzinfo=datetime.timezone.utc).timestamp()


def plain(name: str) -> str:
    """A column's name in small letters and digits alone, without the type that RecBole appends (`user_id:token`)."""
    return re.sub(r"[^0-9a-z]", "", name.split(":")[0].lower())


def is_known(name: str) -> bool:
    """Whether logs and catalogues often have a column of this name."""
    return any(plain(name) in known for known in (("id",), USER, ITEM, TIME, EVENT, VALUE, TITLE))


def is_number(cell: str) -> bool:
    """Whether a cell is a number, with a point or a comma before its fraction."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def plain_id(text: str) -> str:
    """An id without blanks around it, and without the fraction of a whole number."""
    text = text.strip()
    whole, point, fraction = text.partition(".")
    return whole if point and not fraction.strip("0") and whole.lstrip("+-").isdigit() else text


def looks_like_time(cell: str) -> bool:
    """Whether a cell is a date or a time in ISO 8601."""
    return _TIME.fullmatch(cell.strip()) is not None


def is_whole(cell: str) -> bool:
    """Whether a cell is a whole number."""
    return _WHOLE.fullmatch(cell.strip()) is not None


def times_in(unit: str, numbers: Iterable[int]) -> list[float] | None:
    """Unix seconds of numbers in a unit, if all are between 1990 and tomorrow; else None.

    Args:
        unit: As `timestamp_unit`.
        numbers: The numbers.
    """
    latest = datetime.datetime.now(datetime.timezone.utc).timestamp() + 86_400
    found = []
    for number in numbers:
        seconds = _compact(number) if unit == "compact" else number / _PER_SECOND[unit]
        if seconds is None or not _EARLIEST <= seconds <= latest:
            return None
        found.append(seconds)
    return found


UNITS = ("s", "ms", "us", "ns", "compact")
"""The values of `timestamp_unit`."""

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def _compact(number: int) -> float | None:
    digits = str(number)
    if len(digits) not in (8, 12, 14):
        return None
    try:
        return (
            datetime.datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S")
            .replace(tzinfo=datetime.timezone.utc)
            .timestamp()
        )
    except ValueError:
        return None


def shown(cells: Sequence[str], most: int = 4) -> str:
    """Some cells for a message, each cut to 30 characters."""
    texts = [repr(cell if len(cell) <= 30 else cell[:29] + "…") for cell in cells[:most]]
    return ", ".join(texts) + (", …" if len(cells) > most else "")
