"""TwoTowerTrainer: TFX's Trainer with a channel for the catalogue."""
