"""Calls Google Cloud from tasks: client, retries, refusals, signals, Dataflow, CustomJobs, the Model Registry."""
