"""The SQL database: tables, migrations, connections."""
