"""Doubt: what is wrong with the data, by rules of tables and by the habits of each meter."""
