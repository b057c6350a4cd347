"""Names of what Seamark keeps in JetStream beside the log's own streams."""

from typing import Final

CONFIG_BUCKET: Final = "SEAMARK_CONFIG"
"""Key-value bucket of apps and keys (`seamark.service.registry`)."""
POSITIONS_BUCKET: Final = "SEAMARK_POSITIONS"
"""Key-value bucket of positions, pauses, merges and replays (`seamark.wire.positions`)."""
DEAD_STREAM: Final = "SEAMARK_DEAD"
"""Stream of dead letters."""
DEAD_SUBJECTS: Final = "seamark.dead.>"


def dead_subject(sink: str) -> str:
    """The subject of a sink's dead letters."""
    return f"seamark.dead.{sink}"
