"""Strategy: chooses an action, a price, a group."""
