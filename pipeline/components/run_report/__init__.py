"""RunReport writes the page of a run as an artifact of the pipeline."""
