"""Results as JSON and as Markdown. Pure: a result in, text out."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from load.course import Course
from load.sample import PartFigures
from load.scenario import Scenario, ScenarioBudget
from load.schedule import SpreadSchedule
from load.tally import Summary
from load.visible import Visible

_MIB: Final = 2**20
LONG_SECONDS: Final = 600
"""A line through the memory of a shorter run shows caches filling, not growth."""


class StoredCounts(msgspec.Struct, frozen=True):
    """Accepted items of one generator beside what the stack holds afterwards."""

    kind: str
    accepted: int
    unknown: int
    stored: int

    @property
    def exact(self) -> bool:
        """Everything acknowledged is there once; what was never answered may be there or not."""
        return self.accepted <= self.stored <= self.accepted + self.unknown


class RunResult(msgspec.Struct, frozen=True):
    """One run of one scenario."""

    scenario: Scenario
    date: str
    command: str
    machine: dict[str, object]
    generators: list[Summary]
    visible: Visible | None
    parts: dict[str, PartFigures]
    stored: list[StoredCounts]
    window_seconds: float
    catch_up_seconds: float
    lag_max: float
    disk_bytes_start: int
    disk_bytes_end: int
    cpu_percent_mean: float
    course: Course | None = None

    @property
    def accepted(self) -> int:
        """Items of all generators."""
        return sum(generator.accepted_items for generator in self.generators)

    @property
    def exact(self) -> bool:
        """Whether the stack holds exactly what it accepted."""
        return all(row.exact for row in self.stored)


def cpu_us_per_item(result: RunResult) -> dict[str, float]:
    """CPU microseconds per accepted item, of each part."""
    return {
        name: round(part.cpu_seconds * 1e6 / max(1, result.accepted), 2)
        for name, part in result.parts.items()
    }


def verdicts(result: RunResult) -> list[tuple[str, float, float, bool]]:
    """(what, limit, measured, met) for every budget that was set."""
    budget: ScenarioBudget = result.scenario.budget
    worst = max((g.latency_ms.p95 for g in result.generators), default=0.0)
    rate = sum(g.accepted_per_second for g in result.generators)
    rows = []
    if budget.ingest_p95_ms:
        limit = budget.ingest_p95_ms
        rows.append(("ingest p95, ms", limit, worst, worst <= limit))
    if budget.visible_p95_ms and result.visible is not None:
        seen = result.visible
        whole = seen.seen == seen.sent
        limit = budget.visible_p95_ms
        measured = seen.latency_ms.p95
        rows.append(("visible p95, ms", limit, measured, whole and measured <= limit))
    if budget.accepted_per_second:
        # The rate that was offered is met to within the last, unfinished batch.
        limit = budget.accepted_per_second
        rows.append(("accepted per second", limit, rate, rate >= limit * 0.999))
    return rows


def markdown(result: RunResult) -> str:
    """The result for people."""
    scenario, machine = result.scenario, result.machine
    blocks = [
        f"# {scenario.name}, {result.date}",
        f"{scenario.text}; {scenario.duration_seconds:g} s.",
        f"`{result.command}`",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"{machine['kernel']}, Python {machine['python']}; {_versions(machine['versions'])}. "
        "Generator and stack share these cores.",
        _table(
            ("kind", "offered/s", "accepted/s", "worst second", *_SPREAD, "refused", "unknown"),
            (
                (
                    g.kind,
                    f"{g.offered_per_second:,.0f}",
                    f"{g.accepted_per_second:,.0f}",
                    f"{g.accepted_per_second_worst:,.0f}",
                    *_spread(g.latency_ms),
                    str(g.refused_items),
                    str(g.unknown_items),
                )
                for g in result.generators
            ),
        ),
        "Latency in ms, from the planned time of a request to its whole answer.",
    ]
    if result.visible is not None:
        seen = result.visible
        blocks.append(
            f"Visible after the 202, {seen.seen} of {seen.sent} markers: p50 "
            f"{seen.latency_ms.p50:.0f} ms, p95 {seen.latency_ms.p95:.0f} ms, p99 "
            f"{seen.latency_ms.p99:.0f} ms, max {seen.latency_ms.max:.0f} ms."
        )
    blocks += [_parts(result), _rest(result), _verdict_lines(result)]
    return "\n\n".join(block for block in blocks if block) + "\n"


_SPREAD: Final = ("p50", "p95", "p99", "max")


def _spread(value: SpreadSchedule) -> tuple[str, ...]:
    return tuple(f"{number:.1f}" for number in (value.p50, value.p95, value.p99, value.max))


def _versions(versions: object) -> str:
    assert isinstance(versions, Mapping)  # noqa: S101  # machine.describe() made it
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _parts(result: RunResult) -> str:
    per_item = cpu_us_per_item(result)
    long = result.window_seconds >= LONG_SECONDS
    rows = [
        (
            name,
            f"{per_item[name]:.2f}",
            f"{100 * part.cpu_seconds / max(result.window_seconds, 1e-9):.0f} %",
            f"{part.rss_bytes_max / _MIB:.0f}",
            f"{part.pss_bytes_max / _MIB:.0f}",
            f"{part.rss_bytes_per_hour / _MIB:+.0f}" if long else "-",
            f"{part.rss_bytes_held_per_hour / _MIB:+.0f}" if long else "-",
            str(part.handles_max),
            f"{part.handles_per_hour:+.0f}" if long else "-",
        )
        for name, part in result.parts.items()
    ]
    total = f"{sum(per_item.values()):.2f}"
    head = (
        *("part", "CPU us/item", "of a core", "RSS max, MiB", "PSS max, MiB", "RSS MiB/h"),
        *("held, MiB/h", "files max", "files/h"),
    )
    return _table(head, [*rows, ("**together**", total, *[""] * 7)])


def _rest(result: RunResult) -> str:
    grown = (result.disk_bytes_end - result.disk_bytes_start) / max(1, result.accepted)
    lines = [
        f"{row.kind}: {row.accepted} accepted, {row.stored} stored: "
        + ("exact" if row.exact else "**DIFFERENT**")
        for row in result.stored
    ]
    if result.course is not None and result.course.parts:
        most = {t: max(n for _, n in line) for t, line in result.course.parts.items()}
        table = max(most, key=lambda name: most[name])
        lines.append(f"active parts: at most {most[table]:.0f} in one table ({table})")
    lines.append(
        f"lag: at most {result.lag_max:.0f} messages, {result.catch_up_seconds:.1f} s to zero "
        f"after the last request; disk: {grown:.0f} bytes per item; the machine was "
        f"{result.cpu_percent_mean:.0f} % busy"
    )
    return "\n".join(f"- {line}" for line in lines)


def _verdict_lines(result: RunResult) -> str:
    rows = [
        (what, f"{limit:,.0f}", f"{measured:,.1f}", "met" if met else "**missed**")
        for what, limit, measured, met in verdicts(result)
    ]
    return _table(("budget", "limit", "measured", ""), rows) if rows else ""


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = list(head)
    lines = [cells, ["---"] * len(cells), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
