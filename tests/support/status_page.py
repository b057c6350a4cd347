"""Writes docs/status.md from docs/status.toml: `python -m tests.support.status_page`."""

import tomllib
from pathlib import Path
from typing import Final

import msgspec

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = DOCS / "status.md"
_MARKS: Final = {"works": "works", "partly": "works in part", "planned": "not yet"}
_HEAD: Final = """# What works

Written by `make docs` from `status.toml`; a test compares its routes with those of the code.
"""


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One capability. `routes`: "METHOD path" of the API, "ingest METHOD path" of the collector."""

    area: str
    what: str
    state: str
    routes: tuple[str, ...] = ()


def rows() -> list[Row]:
    """The rows of status.toml, in order. Raises msgspec.ValidationError."""
    table = tomllib.loads((DOCS / "status.toml").read_text())
    return msgspec.convert(table["row"], list[Row])


def page() -> str:
    """The whole page as Markdown."""
    found = rows()
    parts = [_HEAD]
    for area in dict.fromkeys(row.area for row in found):
        parts.append(f"\n## {area}\n\n| what | state | routes |\n|---|---|---|\n")
        parts += [_line(row) for row in found if row.area == area]
    return "".join(parts)


def _line(row: Row) -> str:
    routes = ", ".join(f"`{route}`" for route in row.routes)
    return f"| {row.what} | {_MARKS[row.state]} | {routes} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
