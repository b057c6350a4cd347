"""Insert blocks of envelopes through the real tables and views of the store.

`python -m tests.properties.otlp_storing <schema.proto> <store folder> <traces> <metrics> <logs>`,
from the root of the repository. A process of its own, because an engine can be opened once in a
process. Prints one JSON object: rows of each signal's raw table. An error of the engine ends it.
"""

import json
import sys
from pathlib import Path

import chdb

import provisioning.clickhouse
from provisioning.clickhouse.variant import Variant, placeholders, statements

_TABLES = {"traces": "spans", "metrics": "metric_points", "logs": "logs"}


def main(schema: str, folder: str, *blocks: str) -> None:
    """Create the schema in an empty store, insert each block at once, count."""
    connection = chdb.connect(folder)
    connection.query("CREATE DATABASE seamark ENGINE = Atomic")
    values = placeholders(Variant.EMBEDDED, database="seamark")
    for path in sorted(Path(provisioning.clickhouse.__path__[0]).glob("[0-9]*.sql")):
        for statement in statements(path.read_text(), values):
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
