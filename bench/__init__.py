"""Timed comparisons, never part of the test run: `python -m bench.run`. A module offers `rows(size)`, one
dict a row.
"""
