"""What names and cells of logs and catalogues look like."""

import re
from collections.abc import Sequence

from pipeline.reading import times

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
_TIME = re.compile(times.ISO)
_WHOLE = re.compile(r"[+-]?\d{1,19}")


def plain(name: str) -> str:
    """A column's name in small letters and digits alone, without the type that RecBole appends (`user_id:token`)."""
    return re.sub(r"[^0-9a-z]", "", name.split(":")[0].lower())


def is_known(name: str) -> bool:
    """Whether logs and catalogues often have a column of this name."""
    return any(plain(name) in known for known in (("id",), USER, ITEM, TIME, EVENT, VALUE, TITLE))


def is_number(cell: str) -> bool:
    """Whether a cell is a number, with a point or a comma before its fraction."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def looks_like_time(cell: str) -> bool:
    """Whether a cell is a date or a time in ISO 8601."""
    return _TIME.fullmatch(cell.strip()) is not None


def is_whole(cell: str) -> bool:
    """Whether a cell is a whole number."""
    return _WHOLE.fullmatch(cell.strip()) is not None


def shown(cells: Sequence[str], most: int = 4) -> str:
    """Some cells for a message, each cut to 30 characters."""
    texts = [repr(cell if len(cell) <= 30 else cell[:29] + "…") for cell in cells[:most]]
    return ", ".join(texts) + (", …" if len(cells) > most else "")
