"""Mapping functions: what a recipe says in one word where a column-by-column mapping is not enough."""
