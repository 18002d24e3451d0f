"""The two-tower model: users and items in one space, learned by gradient descent."""
