"""The pages of the public port: liveness and readiness. Own metrics are on the monitor port."""

from collections.abc import Callable

from collector.receivers.exchange import Reply
from seamark.service.health import Health
from seamark.service.health_answers import (
    ALIVE,
    CONTENT_TYPE,
    LIVE,
    READY,
    HealthAnswer,
    readiness,
)

Page = Callable[[], Reply]


def build(health: Health) -> dict[str, Page]:
    """Pages by path."""
    live = dict.fromkeys(LIVE, lambda: _reply(ALIVE))
    return live | dict.fromkeys(READY, lambda: _reply(readiness(health)))


def _reply(answer: HealthAnswer) -> Reply:
    return Reply(answer.status, answer.body, CONTENT_TYPE, answer.headers)
