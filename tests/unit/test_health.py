"""Up, down, and degraded: what survives what, and since when."""

from seamark.service.health import Health


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_part_is_down_until_it_is_up() -> None:
    health = Health(Clock())
    health.expect("log")
    assert health.report() == {
        "status": "unavailable",
        "parts": [{"name": "log", "ready": False, "since": 100.0, "detail": "starting"}],
        "degraded": [],
    }
    health.up("log")
    assert health.ready
    assert health.report()["status"] == "ok"


def test_what_is_stood_in_for_is_survived() -> None:
    clock, room = Clock(), True
    health = Health(clock)
    health.survive("log", by=lambda: room)
    health.up("log")
    clock.now = 200.0
    health.down("log", "not connected")
    clock.now = 300.0
    health.down("log", "still not")
    assert health.report() == {
        "status": "degraded",
        "parts": [{"name": "log", "ready": False, "since": 200.0, "detail": "still not"}],
        "degraded": [{"part": "log", "since": 200.0, "detail": "still not"}],
    }
    room = False
    assert health.report()["status"] == "unavailable"
    assert not health.ready


def test_a_condition_lasts_until_it_is_ended() -> None:
    clock = Clock()
    health = Health(clock)
    health.degrade("spool", "")
    health.degrade("spool", "3 wait")
    clock.now = 150.0
    health.degrade("spool", "2 wait")
    assert health.ready
    assert health.degraded() == [{"part": "spool", "since": 100.0, "detail": "2 wait"}]
    health.degrade("spool", "")
    assert health.report()["status"] == "ok"


def test_optional_parts_only_degrade() -> None:
    health, optional = Health(Clock()), Health(Clock())
    health.up("store")
    optional.expect("cache")
    report = health.report(optional=optional)
    assert health.ready
    assert report["status"] == "degraded"
    assert report["optional"] == [
        {"name": "cache", "ready": False, "since": 100.0, "detail": "starting"}
    ]
    assert report["degraded"] == [{"part": "cache", "since": 100.0, "detail": "starting"}]
