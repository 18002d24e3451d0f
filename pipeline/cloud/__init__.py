"""Google Cloud as tasks call it: client, retries, refusals, signals, Dataflow, CustomJobs, the Model Registry."""
