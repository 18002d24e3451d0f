"""Answers for everybody at once, without HTTP: every user's best items, and every item's neighbours, of one version."""
