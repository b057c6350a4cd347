"""docs/schema.md against the migrations: the same tables, columns, types, orders and lifetimes."""

import re
from pathlib import Path

from provisioning.clickhouse.migrate import read_migrations
from provisioning.clickhouse.variant import Variant, placeholders, statements

PAGE = Path(__file__).parents[2] / "docs" / "schema.md"
SAME_COLUMNS = {
    "events_1h": "events_1m",
    "events_1d": "events_1m",
    "spans_1h": "spans_1m",
    "metrics_1h": "metrics_1m",
}
"""Tables that the page names at another's section."""
Table = tuple[dict[str, str], str, str, str]
"""Columns and their types; order, partition, lifetime."""


def tables() -> dict[str, Table]:
    """Tables that keep rows, as the migrations make them."""
    found: dict[str, Table] = {}
    values = placeholders(Variant.EMBEDDED, database="seamark")
    for file in read_migrations():
        for statement in statements(file.text, values):
            if altered := re.match(r"ALTER TABLE seamark\.(\w+)\s*\n", statement):
                columns = found[altered[1]][0] if altered[1] in found else {}
                added = r"^    ADD COLUMN IF NOT EXISTS (\S+) (.*?),?$"
                columns |= re.findall(added, statement, re.M)
                continue
            head = re.match(r"CREATE TABLE IF NOT EXISTS seamark\.(\w+)\s*\n\(\n", statement)
            if head is None or "ENGINE = Null" in statement:
                continue
            body, tail = statement[head.end() :].split("\n)\n", 1)
            columns = {}
            for line in body.splitlines():
                name, kind = line.strip().rstrip(",").split(" ", 1)
                if name != "INDEX":
                    columns[name.strip("`")] = re.sub(r" CODEC\(.*\)\Z", "", kind)
            order = re.search(r"^ORDER BY \((.*)\)$", tail.replace("`", ""), re.M)
            partition = re.search(r"^PARTITION BY (.*)$", tail, re.M)
            ttl = re.search(r"^TTL (.*)$", tail, re.M)
            assert order
            assert partition
            assert ttl
            found[head[1]] = (columns, order[1], partition[1], ttl[1])
    return found


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
