"""Functions for the notebooks: they read runs, models and statistics, and show them as tables and charts."""
