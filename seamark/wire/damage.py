"""What is said of rows that the store has lost. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime


def described(lost: Sequence[tuple[str, str, int, int]]) -> str:
    """One sentence about (table, partition, rows, found at in epoch ms); "" for none."""
    if not lost:
        return ""
    rows: dict[tuple[str, str], int] = {}
    for table, partition, count, _ in lost:
        rows[table, partition] = rows.get((table, partition), 0) + count
    named = ", ".join(
        f"{count:,} of {table}{'' if partition == 'tuple()' else ' ' + partition}"
        for (table, partition), count in sorted(rows.items())[:5]
    )
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    since = datetime.fromtimestamp(min(at for *_, at in lost) / 1000, UTC)
    return (
        f"rows of the store are lost, found since {since:%Y-%m-%dT%H:%M:%SZ}: {named}{more}; "
        'docs/recovery.md, "The store has lost rows", has the way out'
    )
