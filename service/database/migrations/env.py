"""What alembic runs: it upgrades over the connection that `service.database.migrate` gives it."""

from alembic import context

from service.database.tables import metadata

VERSION_TABLE = "perennial_schema"

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
