"""DataGate: stops the run on anomalies."""
