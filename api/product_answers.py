"""What questions about people and their events are answered with; part of `/openapi.json`."""

import msgspec


class MinuteValues(msgspec.Struct, frozen=True):
    """One minute (its start, epoch ms); null where no event of it has a value."""

    time: int
    avg: float | None
    max: float | None
    min: float | None


class MinutesAnswer(msgspec.Struct, frozen=True):
    """Minutes in order of time; those without events are left out."""

    data: list[MinuteValues]
