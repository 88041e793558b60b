"""Gridloop: a utility's own data, turned into marketing decisions that are proven to work."""

__version__ = "0.1.0"
