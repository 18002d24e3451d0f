"""Reads text and Parquet files as Arrow columns; reports and counts every row that cannot be used."""
