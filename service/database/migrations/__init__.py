"""Makes and upgrades the tables, by alembic.

A change of `tables.py` needs a module in `versions/` that makes the same change; a test compares the two in every
database.
"""
