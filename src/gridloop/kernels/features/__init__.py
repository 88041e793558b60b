"""The feature set of a meter.

`catalogue` says what, `state` accumulates and merges by month, `finalise` computes the values. Described in
docs/methods/features.md; checked against an independent reference in tests/oracle.
"""
