"""The process that holds a model and speaks TensorFlow Serving's PredictionService. Only it imports TensorFlow."""
