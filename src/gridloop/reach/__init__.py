"""Reach: touches someone outside, through one gate, and takes in what comes back."""
