"""Defines the `service` section: what answers HTTP from the pushed model."""
