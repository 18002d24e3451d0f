"""Training: the two towers, the loss, the input pipeline, and the `run_fn` that TwoTowerTrainer calls."""
