"""The synthetic county: source files as a utility's systems export them, and the truth kept apart from them.

Import `gridloop.twin.county` for the door (`County`, `TwinSettings`); the package itself stays light.
"""
