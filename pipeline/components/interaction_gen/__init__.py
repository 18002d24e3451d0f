"""InteractionGen: the interaction log as one Example per user, cleaned and split."""
