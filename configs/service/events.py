"""Defines the events that the service takes, and the database that keeps them."""

from pydantic import Field

from configs.base import Settings


class Database(Settings):
    """The SQL database of events, of items' metadata and of the API's users.

    Example:
        service:
          database: {url: "postgresql+psycopg://shop@db.internal/perennial", password_file: /run/secrets/db}
    """

    url: str | None = None
    """URL as in SQLAlchemy: `sqlite:///FILE`, `postgresql+psycopg://USER@HOST/NAME` or `mysql+pymysql://USER@HOST/NAME`,
    without a password. None: `service/perennial.db` in the pipeline's folder, which suits one process of the
    service."""

    password_file: str | None = None
    """File with the password, a mounted secret."""

    items: bool = False
    """Whether answers take titles and features of items from this database, where `perennial items put` has put them,
    before those of the version. A change is in the answers within a minute. Filters, boosts and the search go by the
    version's own. While the database does not answer, answers show the version's own."""

    pool_size: int = Field(default=5, ge=1, le=100)
    """Connections of one process."""

    timeout_seconds: float = Field(default=2.0, gt=0)
    """How long a request waits for the database. Recommendations then go on without the newest events; events are
    refused with 503."""


class EventTypes(Settings):
    """What the log calls the events of the API.

    Example:
        service:
          event_types: {view: view, basket: addtocart, purchase: transaction}
    """

    view: str = "view"
    """The log's word for a look at an item; `browsed` of a query."""

    basket: str = "basket"
    """The log's word for an item that was put into the basket."""

    purchase: str = "purchase"
    """The log's word for a purchase."""


class EventWeights(Settings):
    """Weights of `browsed`, `basket` and `purchased` in a query, where the log has no `event_weights` of its own.

    Example:
        service:
          weights: {view: 0.5, basket: 2, purchase: 6}
    """

    view: float = Field(default=0.5, gt=0)
    """Weight of an item that was looked at. Default 0.5, 2 and 6: those of a shop's recommender before this one."""

    basket: float = Field(default=2.0, gt=0)
    """Weight of an item that was put into the basket."""

    purchase: float = Field(default=6.0, gt=0)
    """Weight of an item that was bought."""
