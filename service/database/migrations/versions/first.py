"""The first tables.

The types are written out, not taken from `service.database.tables`: that module goes on changing, and this step must
not.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "1"
down_revision = None

_OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("charset", "utf8mb4"), ("collate", "utf8mb4_bin"), ("engine", "InnoDB"))
}


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "perennial_events",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("event_id", _byte_text(128), nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("user_id", _byte_text(512), nullable=False),
        sa.Column("item_id", _byte_text(512), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Double, nullable=True),
        sa.Column("recommendation_id", _byte_text(255), nullable=True),
        sa.Column("version", sa.BigInteger, nullable=True),
        sa.Column("position", sa.SmallInteger, nullable=True),
        sa.Column("export", sa.Integer, nullable=False),
        **_OPTIONS,
    )
    op.create_index("perennial_events_id", "perennial_events", ["event_id"], unique=True)
    of_user = ["user_id", "time", "sequence", "export"]
    op.create_index("perennial_events_of_user", "perennial_events", of_user)
    op.create_index("perennial_events_of_export", "perennial_events", ["export", "sequence"])
    state = op.create_table(
        "perennial_state",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("open_export", sa.Integer, nullable=False),
        **_OPTIONS,
    )
    op.bulk_insert(state, [{"id": 1, "open_export": 1}])
    op.create_table(
        "perennial_exports",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("closed_at", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("written", sa.Boolean, nullable=False),
        **_OPTIONS,
    )
    op.create_table(
        "perennial_shown",
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("position", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("answers", sa.BigInteger, nullable=False),
        **_OPTIONS,
    )
    digest = sa.LargeBinary(16).with_variant(mysql.VARBINARY(16), "mysql", "mariadb")
    op.create_table("perennial_forgotten", sa.Column("digest", digest, primary_key=True), **_OPTIONS)
    op.create_table(
        "perennial_secrets",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
        **_OPTIONS,
    )
    op.create_table(
        "perennial_items",
        sa.Column("item_id", _byte_text(512), primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("features", sa.JSON, nullable=False),
        **_OPTIONS,
    )
    op.create_table(
        "perennial_api_users",
        sa.Column("name", _byte_text(128), primary_key=True),
        sa.Column("hash", sa.String(255), nullable=False),
        sa.Column("scopes", sa.String(255), nullable=False),
        **_OPTIONS,
    )


def _byte_text(max_bytes: int) -> sa.types.TypeEngine[str]:
    in_postgresql = sa.Text(collation="C")
    return (
        sa.Text().with_variant(in_postgresql, "postgresql").with_variant(mysql.VARBINARY(max_bytes), "mysql", "mariadb")
    )
