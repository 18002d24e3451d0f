"""Measures exported models beside baselines on the same users, and applies the gate's rules."""
