"""Plays: an offer, whom it suits, how it is made known and how its success is judged, as data."""
