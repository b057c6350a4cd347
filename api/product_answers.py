"""What questions about people and their events are answered with; part of `/openapi.json`."""

import msgspec

from api.answers import Meta


class FunnelStep(msgspec.Struct, frozen=True, rename="camel"):
    """People who reached a step; conversions are shares (0 to 1), null when nobody could reach it.

    Times are milliseconds from the step before and from the first, null at the first step.
    """

    name: str
    people: int
    from_first: float | None
    from_previous: float | None
    median_ms: float | None
    p90_ms: float | None
    median_from_first_ms: float | None
    p90_from_first_ms: float | None


class FunnelGroup(msgspec.Struct, frozen=True):
    """One funnel: of everybody, or of one value of groupBy."""

    labels: dict[str, str]
    steps: list[FunnelStep]


class FunnelAnswer(msgspec.Struct, frozen=True):
    """Funnels, the one with most people at its first step first."""

    funnels: list[FunnelGroup]
    meta: Meta


class Cohort(msgspec.Struct, frozen=True):
    """People whose first start event lies in the period that begins at `start` (epoch ms).

    `returned[k]`: how many of them came back in the k-th period after it; periods that begin after
    the range are left out.
    """

    start: int
    people: int
    returned: list[int]


class RetentionAnswer(msgspec.Struct, frozen=True):
    """Cohorts in order of time; those of nobody are left out."""

    period: str
    cohorts: list[Cohort]
    meta: Meta


class PathFound(msgspec.Struct, frozen=True):
    """What came next (or before, nearest first), and in how many sessions.

    A path shorter than `depth` is of sessions that ended (or began) there.
    """

    steps: list[str]
    sessions: int | float
    share: float


class PathsAnswer(msgspec.Struct, frozen=True):
    """Paths, the most frequent first, of all `sessions` in which the start occurred."""

    sessions: int | float
    paths: list[PathFound]
    meta: Meta


class TopValue(msgspec.Struct, frozen=True):
    """A value of the dimension, its number, and its share of the total (counts and sums only).

    `__other__` is all that is not shown, and comes last.
    """

    label: str
    value: int | float | None
    share: float | None


class TopAnswer(msgspec.Struct, frozen=True):
    """Values of the dimension, the largest first."""

    total: int | float | None
    values: list[TopValue]
    meta: Meta


class MinuteValues(msgspec.Struct, frozen=True):
    """One minute (its start, epoch ms); null where no event of it has a value."""

    time: int
    avg: float | None
    max: float | None
    min: float | None


class MinutesAnswer(msgspec.Struct, frozen=True):
    """Minutes in order of time; those without events are left out."""

    data: list[MinuteValues]
