"""Answers HTTP from the pushed model, and takes events for the next run. Nothing here knows how a model is made."""
