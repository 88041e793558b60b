"""Channels: how a message leaves the house. A workspace says which transport each of them has."""
