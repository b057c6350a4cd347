"""Names of what Seamark keeps in JetStream beside the log's own streams."""

import hashlib
import re
from typing import Final

CONFIG_BUCKET: Final = "SEAMARK_CONFIG"
"""Key-value bucket of apps and keys (`seamark.service.registry`)."""
ADMIN_BUCKET: Final = "SEAMARK_ADMIN"
"""Key-value bucket of what administration remembers: repeated requests, uses of tokens."""
AUDIT_STREAM: Final = "SEAMARK_AUDIT"
"""Stream of what was changed in SEAMARK_CONFIG, by whom; one message a change."""
AUDIT_SUBJECTS: Final = "seamark.audit.>"
POSITIONS_BUCKET: Final = "SEAMARK_POSITIONS"
"""Key-value bucket of positions, pauses, merges and replays (`seamark.wire.positions`)."""
DEAD_STREAM: Final = "SEAMARK_DEAD"
"""Stream of dead letters."""
DEAD_SUBJECTS: Final = "seamark.dead.>"


_SLOTS: Final = ((16 * 1024, "s", 64), (256 * 1024, "m", 4), (4 * 1024 * 1024, "l", 1))
"""Dead letters of up to so many bytes: their mark, and the number of subjects for them."""
_ORG_DEAD_BYTES: Final = sum(size * slots for size, _, slots in _SLOTS)
_SINKS: Final = 2
_SHARE: Final = 4
"""One org may have a fourth of the dead letters."""
_plain: Final = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch


def dead_subject(sink: str, org: str, *, size: int, sequence: int) -> str:
    """The subject of a dead letter of an org ("" = nobody's): `seamark.dead.<sink>.<org>.<slot>`.

    The stream keeps so many messages of each subject (`dead_letters_per_subject`), and drops the
    oldest of the same subject for a new one. So each org has a share in bytes: large ones have few
    subjects, small ones many, in which they take turns by `sequence`, and the oldest goes first.
    """
    token = org if _plain(org) else "~" + hashlib.sha256(org.encode()).hexdigest()[:16]
    mark, slots = next(
        ((mark, slots) for most, mark, slots in _SLOTS if size <= most), _SLOTS[-1][1:]
    )
    return f"seamark.dead.{sink}.{token}.{mark}{sequence % slots}"


def dead_letters_per_subject(max_bytes: int) -> int:
    """Messages that each subject of a stream of `max_bytes` holds."""
    return max(2, max_bytes // (_SHARE * _SINKS * _ORG_DEAD_BYTES))
