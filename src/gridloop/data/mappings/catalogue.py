"""The mapping functions a recipe may name, and where each is defined; light, so that recipes can be checked quickly."""

from __future__ import annotations

MAPPINGS: dict[str, str] = {"calendar_from_uk_bank_holidays": "gridloop.data.mappings.uk_calendar"}
"""Function name to its module, which is imported when the function is used."""
