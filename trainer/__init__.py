"""What is learned: the two towers, the loss, the input pipeline, and the `run_fn` that TwoTowerTrainer calls."""
