"""Reads and writes what a pipeline keeps: its runs, the versions in the serving folder, and the models in them."""
