"""RetrievalEvaluator: measures an exported model through its signatures and blesses it, or does not."""
