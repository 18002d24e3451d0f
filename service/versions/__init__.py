"""Finds versions, loads and checks them, and decides which one answers."""
