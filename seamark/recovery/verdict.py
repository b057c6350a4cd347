"""What `seamark verify` found, for people and for programs. Pure."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Final

import msgspec

from seamark.recovery.accounts import Account, Counts, Key, differences

AGREE: Final = 0
DIFFER: Final = 1
CANNOT_TELL: Final = 2
NOT_COUNTED: Final = 3
"""The store or the log does not answer, or nothing runs there."""
_SHOWN: Final = 50


def code(account: Account) -> int:
    """The exit code. What differs while sinks are under way may yet come to agree."""
    if account.damaged:
        return DIFFER
    if account.under_way:
        return CANNOT_TELL
    return DIFFER if differences(account) else AGREE


def as_json(account: Account) -> str:
    """For programs; times are epoch seconds."""
    document = {
        "verdict": ("agree", "differ", "cannot_tell")[code(account)],
        "under_way": account.under_way,
        "differences": differences(account),
        "damaged": account.damaged,
        "hours": [
            msgspec.to_builtins(key) | msgspec.to_builtins(counts)
            for key, counts in sorted(account.lines.items())
        ],
        "rollups": [
            msgspec.to_builtins(key) | {"raw": raw, "rows": rolled}
            for key, (raw, rolled) in sorted(account.rollups.items())
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def table(account: Account) -> str:
    """For people: sums by signal and app, then every difference, then what is under way."""
    lines = [
        f"{'signal':<8} {'org/app':<24} {'accepted':>12} {'duplicate':>10} {'dead_lettered':>7} "
        f"{'raw':>12} {'stored':>12} {'archived':>12} {'in files':>12}"
    ]
    for (signal, scope), n in sorted(_sums(account).items()):
        files = "-" if n.files is None else f"{n.files:,}"
        lines.append(
            f"{signal:<8} {scope:<24} {n.accepted:>12,} {n.duplicate:>10,} {n.dead_lettered:>7,} "
            f"{n.raw:>12,} {n.stored:>12,} {n.archived:>12,} {files:>12}"
        )
    found = differences(account)
    for one in found[:_SHOWN]:
        at = datetime.fromtimestamp(one.at, UTC)
        lines.append(
            f"{at:%Y-%m-%d %H:%MZ} {one.signal} {one.org}/{one.app}: {one.what}: "
            f"{one.expected:,} expected, {one.found:,} found ({one.found - one.expected:+,})"
        )
    if len(found) > _SHOWN:
        lines.append(f"… and {len(found) - _SHOWN} more (--json has them all)")
    lines += account.damaged + account.under_way
    lines.append(
        (
            f"all agree: {len(account.lines)} hours by receipt, {len(account.rollups)} of rollups",
            f"{len(found) + len(account.damaged)} differences",
            "it cannot be told yet: run it again when the sinks have read that",
        )[code(account)]
    )
    return "\n".join(lines)


def _sums(account: Account) -> dict[tuple[str, str], Counts]:
    sums: dict[tuple[str, str], Counts] = defaultdict(Counts)
    for key, counts in account.lines.items():
        _add(sums[_scope(key)], counts)
    return dict(sums)


def _scope(key: Key) -> tuple[str, str]:
    return key.signal, f"{key.org}/{key.app}"


def _add(total: Counts, counts: Counts) -> None:
    for name in ("accepted", "duplicate", "dead_lettered", "raw", "stored", "archived"):
        setattr(total, name, getattr(total, name) + getattr(counts, name))
    if counts.files is not None:
        total.files = (total.files or 0) + counts.files
