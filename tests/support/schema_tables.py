"""The tables that the migrations make, read off their statements."""

import re
from collections.abc import Iterator

from provisioning.clickhouse.migrate import read_migrations
from provisioning.clickhouse.template import statements
from provisioning.clickhouse.variant import Variant, placeholders

Table = tuple[dict[str, str], str, str, str]
"""Columns and their types; order, partition, lifetime."""


def tables() -> dict[str, Table]:
    """Tables that keep rows, by name."""
    found: dict[str, Table] = {}
    values = placeholders(Variant.EMBEDDED, database="seamark")
    for file in read_migrations():
        for statement in statements(file.text, values):
            head = re.match(r"CREATE TABLE IF NOT EXISTS seamark\.(\w+)\s*\n\(\n", statement)
            if head is None or "ENGINE = Null" in statement:
                continue
            body, tail = statement[head.end() :].split("\n)\n", 1)
            order = re.search(r"^ORDER BY \((.*)\)$", tail.replace("`", ""), re.MULTILINE)
            partition = re.search(r"^PARTITION BY (.*)$", tail, re.MULTILINE)
            lifetime = re.search(r"^TTL (.*)$", tail, re.MULTILINE)
            assert order
            assert partition
            assert lifetime
            found[head[1]] = (_columns(body), order[1], partition[1], lifetime[1])
    return found


def _columns(body: str) -> dict[str, str]:
    columns = {}
    for definition in _parts(body):
        name, kind = " ".join(definition.split()).split(" ", 1)
        if name != "INDEX":
            columns[name.strip("`")] = re.sub(r" CODEC\(.*\)\Z", "", kind)
    return columns


def _parts(body: str) -> Iterator[str]:
    """What stands between the commas that are in no bracket."""
    depth, begin = 0, 0
    for at, sign in enumerate(body):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            yield body[begin:at]
            begin = at + 1
    yield body[begin:]
