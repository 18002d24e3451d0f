"""Text and Parquet files as Arrow columns, with every row that cannot be used named and counted."""
