"""Sessions: handles that outlive a request, with their temporary tables and settings."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from seamark.standalone.store.engine import Handle
from seamark.standalone.store.failures import SESSION_IS_LOCKED, SESSION_NOT_FOUND, own_error
from seamark.standalone.store.request import SessionWish


@dataclass(slots=True)
class EngineSession:
    """One client's handle; in use by at most one request."""

    name: str
    handle: Handle
    expires_at: float
    busy: bool = True


class Sessions:
    """All sessions of the process. Thread-safe; `clock` counts seconds."""

    def __init__(
        self, new_handle: Callable[[], Handle], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._new_handle = new_handle
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, EngineSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def take(self, wish: SessionWish) -> EngineSession:
        """The session, begun if need be, for one request alone. Give it back with `release`.

        Raises StoreError SESSION_IS_LOCKED while another request has it, and SESSION_NOT_FOUND
        when it must exist and does not.
        """
        with self._lock:
            session = self._sessions.get(wish.name)
            if session is not None:
                if session.busy:
                    raise own_error(SESSION_IS_LOCKED, f"Session {wish.name} is locked")
                session.busy = True
                return session
            if wish.must_exist:
                raise own_error(SESSION_NOT_FOUND, f"Session {wish.name} not found")
            session = EngineSession(wish.name, self._new_handle(), 0.0)
            self._sessions[wish.name] = session
            return session

    def release(self, session: EngineSession, wish: SessionWish) -> None:
        """Give a session back; it lives on for the wished time, unless it is to be closed."""
        with self._lock:
            session.expires_at = self._clock() + wish.timeout_seconds
            session.busy = False
            if wish.close:
                del self._sessions[session.name]
        if wish.close:
            session.handle.close()

    def sweep(self) -> None:
        """Close sessions whose time is over."""
        now = self._clock()
        with self._lock:
            over = [s for s in self._sessions.values() if not s.busy and s.expires_at <= now]
            for session in over:
                del self._sessions[session.name]
        for session in over:
            session.handle.close()

    def close(self) -> None:
        """Close every session. No request may be running."""
        with self._lock:
            sessions = list(self._sessions.values())
            self._sessions.clear()
        for session in sessions:
            session.handle.close()
