"""What the API is asked, as typed queries; what the model and the ranking are asked for it; and the answer."""
