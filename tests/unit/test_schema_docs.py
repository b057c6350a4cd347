"""docs/schema.md against the migrations: the same tables, columns, types, orders and lifetimes."""

import re
from pathlib import Path

from tests.support.schema_tables import Table, tables

PAGE = Path(__file__).parents[2] / "docs" / "schema.md"
SAME_COLUMNS = {
    "events_1h": "events_1m",
    "events_1d": "events_1m",
    "spans_1h": "spans_1m",
    "metrics_1h": "metrics_1m",
}
"""Tables that the page names at another's section."""


def sections() -> dict[str, Table]:
    """Tables as the page has them."""
    found: dict[str, Table] = {}
    for section in PAGE.read_text().split("\n## ")[2:]:
        name = section.split("\n", 1)[0]
        facts = re.search(r"^Order: `(.*)`\. Partition: `(.*)`\. Kept: `(.*)`\.$", section, re.M)
        assert facts, name
        columns = dict(re.findall(r"^\| `(.*?)` \| `(.*?)` \|", section, re.M))
        found[name] = (columns, facts[1], facts[2], facts[3])
    return found


def test_the_page_is_what_the_migrations_make() -> None:
    made = tables()
    told = sections()
    assert told == {name: table for name, table in made.items() if name not in SAME_COLUMNS}


def test_resolutions_of_a_rollup_have_the_same_columns() -> None:
    made = tables()
    for name, like in SAME_COLUMNS.items():
        assert made[name][:3] == made[like][:3]
        assert f"`{name}`" in PAGE.read_text()
