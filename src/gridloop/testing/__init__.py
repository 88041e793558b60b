"""Examinations that ship with Gridloop: builders and conformance kits for those who replace a part of it."""
