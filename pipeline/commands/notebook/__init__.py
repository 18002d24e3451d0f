"""What the notebooks import: tables and charts as a notebook shows them, and what is read for them."""
