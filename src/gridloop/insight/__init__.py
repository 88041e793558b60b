"""Insight: what the sources did not say; it reads the data stage's tables and writes features, tags and scores."""
