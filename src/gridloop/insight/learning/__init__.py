"""Models made one way: split, fit, calibrate, judge with intervals, choose on train (docs/methods/learning.md)."""
