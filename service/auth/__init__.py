"""Who may call: passwords, tokens, scopes, and how often."""
