"""Records a comparison in MLflow."""
