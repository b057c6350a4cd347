"""Answers of administration for people. Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

_INSTANTS: Final = ("createdAt", "expiresAt", "lastUsedAt", "at")
_HIDDEN: Final = ("id", "before", "after")


def shown(answer: Mapping[str, Any]) -> str:
    """A list as a table, anything else line by line."""
    if len(answer) == 1 and isinstance(rows := next(iter(answer.values())), list):
        return _table(rows)
    return "\n".join(f"{name}: {_text(name, value)}" for name, value in answer.items())


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "none"
    names = [name for name in rows[0] if name not in _HIDDEN]
    lines = [names, *([_text(name, row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _text(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name in _INSTANTS and isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="seconds")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
