"""Everything that the web process needs of one version, beside the model: made once, then read only."""
