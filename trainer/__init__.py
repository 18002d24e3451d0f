"""What is learned: the two towers, the loss, the input pipeline, and the `run_fn` that TwoTowerTrainer calls."""

METRICS_FILE = "metrics.json"
"""In the trainer's `model_run` artifact: each epoch's metrics, and the popularity baseline beside them."""
