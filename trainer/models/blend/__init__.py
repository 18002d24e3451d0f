"""The blend: models of other kinds whose standardised scores are added, with weights chosen on held-out targets."""
