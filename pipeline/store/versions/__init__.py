"""The serving folder: what is live, how a version gets there whole, and how one goes back."""
