"""DataGate stops the run if the data has anomalies, or has drifted from what the last model learned from."""
