"""Reads `events_json` as the materialized view does. A process of its own: chdb is large.

Standard input: one path a line, of a file holding one JSON array. Standard output: for each, one
line with the JSON array of its rows.
"""

import json
import sys

import chdb

TYPE = (
    "Array(Tuple(id String, ts String, name String, value Nullable(Float64), unit String, "
    "attrs Map(String, String), sessionId String, userAnonId String, device Map(String, String)))"
)


def main() -> None:
    """Answer until standard input ends."""
    connection = chdb.connect(":memory:")
    for line in sys.stdin:
        query = (
            f"SELECT e.id, e.ts, e.name, e.value, e.unit, e.attrs, e.sessionId, e.userAnonId, "
            f"e.device FROM file('{line.strip()}', 'RawBLOB', 'events_json String') "
            f"ARRAY JOIN JSONExtract(events_json, '{TYPE}') AS e"
        )
        rows = connection.query(query, "JSONCompactEachRow").bytes()
        sys.stdout.write(json.dumps([json.loads(row) for row in rows.splitlines()]) + "\n")
        sys.stdout.flush()
    connection.close()


if __name__ == "__main__":
    main()
