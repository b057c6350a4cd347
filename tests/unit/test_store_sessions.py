"""Sessions: one request at a time, and not for ever."""

import pytest

from seamark.standalone.store.engine import Handle
from seamark.standalone.store.failures import StoreError
from seamark.standalone.store.request import SessionWish
from seamark.standalone.store.sessions import Sessions


class Connection:
    """Stands in for a chdb connection: only its end matters here."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


class World:
    """Sessions under a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.connections: list[Connection] = []
        self.sessions = Sessions(self.handle, clock=lambda: self.now)

    def handle(self) -> Handle:
        self.connections.append(Connection())
        return Handle(self.connections[-1])


def test_the_same_name_is_the_same_handle() -> None:
    world = World()
    wish = SessionWish("a")

    first = world.sessions.take(wish)
    world.sessions.release(first, wish)

    assert world.sessions.take(wish).handle is first.handle
    assert world.sessions.take(SessionWish("b")).handle is not first.handle


def test_a_session_in_use_is_locked() -> None:
    world = World()
    world.sessions.take(SessionWish("a"))

    with pytest.raises(StoreError, match="SESSION_IS_LOCKED"):
        world.sessions.take(SessionWish("a"))


def test_a_session_that_must_exist_is_not_begun() -> None:
    world = World()

    with pytest.raises(StoreError, match="SESSION_NOT_FOUND"):
        world.sessions.take(SessionWish("a", must_exist=True))
    assert len(world.sessions) == 0


def test_a_session_ends_when_its_time_is_over_but_not_in_use() -> None:
    world = World()
    idle, busy = SessionWish("idle", timeout_seconds=10), SessionWish("busy", timeout_seconds=10)
    world.sessions.release(world.sessions.take(idle), idle)
    world.sessions.take(busy)

    world.now = 9.9
    world.sessions.sweep()
    assert len(world.sessions) == 2
    world.now = 10.0
    world.sessions.sweep()

    assert len(world.sessions) == 1
    assert [connection.closed for connection in world.connections] == [True, False]


def test_a_session_is_closed_when_asked() -> None:
    world = World()
    wish = SessionWish("a", close=True)

    world.sessions.release(world.sessions.take(wish), wish)

    assert world.connections[0].closed
    assert len(world.sessions) == 0


def test_closing_closes_all() -> None:
    world = World()
    for name in "abc":
        world.sessions.release(world.sessions.take(SessionWish(name)), SessionWish(name))

    world.sessions.close()

    assert all(connection.closed for connection in world.connections)
