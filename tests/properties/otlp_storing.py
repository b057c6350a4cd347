"""Insert blocks of envelopes through the real tables and views of the store.

`python -m tests.properties.otlp_storing <schema.proto> <store folder> <traces> <metrics> <logs>`,
from the root of the repository. A process of its own, because an engine can be opened once in a
process. Prints one JSON object: rows of each signal's raw table. An error of the engine ends it.
"""

import json
import sys

import chdb

from provisioning.clickhouse.migrate import read_migrations
from provisioning.clickhouse.template import statements
from provisioning.clickhouse.variant import Variant, placeholders

_TABLES = {"traces": "spans", "metrics": "metric_points", "logs": "logs"}


def main(schema: str, folder: str, *blocks: str) -> None:
    """Create the schema in an empty store, insert each block at once, count."""
    connection = chdb.connect(folder)
    connection.query("CREATE DATABASE seamark ENGINE = Atomic")
    values = placeholders(Variant.EMBEDDED, database="seamark")
    for file in read_migrations():
        for statement in statements(file.text, values):
            connection.query(statement)
    rows = {}
    for (signal, table), block in zip(_TABLES.items(), blocks, strict=True):
        connection.query(
            f"INSERT INTO seamark.in_{signal} FROM INFILE '{block}' "
            f"SETTINGS format_schema = '{schema}:Envelope' FORMAT Protobuf"
        )
        counted = connection.query(f"SELECT count() FROM seamark.{table}", "TabSeparated")
        rows[signal] = int(str(counted))
    sys.stdout.write(json.dumps(rows))
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
