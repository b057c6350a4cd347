"""The glossary stays short enough to be read, and holds no term that the code has given up."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_ENTRIES = 60
PACKAGES = ("seamark", "collector", "processors", "api", "provisioning")


def letters(text: str) -> str:
    """`request_rejections`, `RequestRejections` and `request rejections` are the same."""
    return re.sub(r"[^a-z]", "", text.lower())


def terms() -> list[str]:
    rows = (ROOT / "docs/glossary.md").read_text().partition("|---|---|\n")[2].splitlines()
    return [row.split("|")[1].partition("(")[0].strip(" `") for row in rows]


def test_there_are_at_most_sixty_entries() -> None:
    assert 0 < len(terms()) <= MOST_ENTRIES, (
        f"{len(terms())} entries; use a published term, or merge two"
    )


def test_every_entry_occurs_in_the_code() -> None:
    files = [
        file
        for package in PACKAGES
        for kind in ("*.py", "*.sql", "README.md")
        for file in (ROOT / package).rglob(kind)
    ]
    written = letters(" ".join(file.read_text() for file in files))
    assert [term for term in terms() if letters(term) not in written] == []
