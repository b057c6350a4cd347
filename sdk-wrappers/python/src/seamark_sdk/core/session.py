"""Sessions: 30 minutes without an event end one, and so do 24 hours from its start."""

from dataclasses import dataclass, replace
from typing import Final, Literal

IDLE_MS: Final = 30 * 60 * 1000
LONGEST_MS: Final = 24 * 60 * 60 * 1000

Change = Literal["kept", "first", "idle", "longest", "clock"]


@dataclass(frozen=True, slots=True)
class Session:
    """`started_ms` and `last_ms` (of its last event) since the epoch, by the device's clock."""

    id: str
    started_ms: int
    last_ms: int


def touch(session: Session | None, *, now_ms: int, new_id: str) -> tuple[Session, Change]:
    """The session of an event at `now_ms`, and why it is a new one; `new_id` is used if it is.

    A clock that went back keeps the session, and `last_ms`, unless it went back by the idle time
    or more: then a new session begins, because the old one would not end for as long.
    """
    if session is None or not session.id:
        return Session(new_id, now_ms, now_ms), "first"
    if session.last_ms - now_ms >= IDLE_MS:
        return Session(new_id, now_ms, now_ms), "clock"
    if now_ms - session.last_ms >= IDLE_MS:
        return Session(new_id, now_ms, now_ms), "idle"
    if now_ms - session.started_ms >= LONGEST_MS:
        return Session(new_id, now_ms, now_ms), "longest"
    return replace(session, last_ms=max(session.last_ms, now_ms)), "kept"
