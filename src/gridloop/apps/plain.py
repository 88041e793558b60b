"""Values as JSON and CSV can hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any


def plain(value: Any) -> Any:
    """A value as JSON can hold it: dates in ISO form, money as text, findings as objects."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    return value


def guarded(value: Any) -> Any:
    """A CSV cell that no spreadsheet takes for a formula."""
    made = plain(value)
    if isinstance(value, Decimal):
        return made
    if isinstance(made, dict | list):
        made = json.dumps(made, ensure_ascii=False)
    return f"'{made}" if isinstance(made, str) and made[:1] in ("=", "+", "-", "@", "\t", "\r") else made
