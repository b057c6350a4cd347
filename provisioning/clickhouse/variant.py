"""What the placeholders of a migration stand for that differ by variant of the store.

`template.py` fills them in; all others are defined by the migrations themselves. Pure.
"""

import enum
import re
from typing import Final

DEDUPLICATION_WINDOW: Final = 10_000
"""Parts that each table remembers the tokens of, so that a retried block is known.

A block leaves one part in most tables, two where it spans a partition's edge. With 4 streams per
signal and one block a second, that is how far other streams may run on (40 minutes and more) while
the block of a stopped reader waits to be sent again. It is held in memory, about 100 bytes each.
"""
DEDUPLICATION_SECONDS: Final = 7 * 24 * 3600
"""Replicated tables also forget by age; as long as the log keeps its messages (7 days)."""

_REPLICATED_PATH: Final = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Variant(enum.StrEnum):
    """EMBEDDED: one engine inside a process. SERVER: replicated tables, needs Keeper."""

    EMBEDDED = "embedded"
    SERVER = "server"


def placeholders(variant: Variant, *, database: str, cluster: str = "") -> dict[str, str]:
    """Values of the placeholders. `cluster` (server only): a cluster's name, "" for one node.

    Raises ValueError for a name that would need quoting.
    """
    for name in (database, cluster or "none"):
        if not _NAME.match(name):
            raise ValueError(
                f"{name!r} cannot name a database or cluster: only A-Z, a-z, 0-9 and _ are allowed"
            )
    if variant is Variant.EMBEDDED:
        return {
            "database": database,
            "on_cluster": "",
            "merge_tree": "MergeTree",
            "aggregating_merge_tree": "AggregatingMergeTree",
            "replacing_merge_tree": "ReplacingMergeTree(version)",
            "deduplication": f"non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}",
        }
    return {
        "database": database,
        "on_cluster": f"ON CLUSTER {cluster}" if cluster else "",
        "merge_tree": f"ReplicatedMergeTree({_REPLICATED_PATH})",
        "aggregating_merge_tree": f"ReplicatedAggregatingMergeTree({_REPLICATED_PATH})",
        "replacing_merge_tree": f"ReplicatedReplacingMergeTree({_REPLICATED_PATH}, version)",
        "deduplication": f"replicated_deduplication_window = {DEDUPLICATION_WINDOW}, "
        f"replicated_deduplication_window_seconds = {DEDUPLICATION_SECONDS}",
    }
