"""The questions of the demo to the stack, and the expected answers. Pure.

Every number compared is one the sender counted from the answers it got, so equality is exact:
a difference of one is a lost or a doubled event.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from seamark.demo import catalogue
from seamark.demo.tally import DemoTally

SPAN_METRIC: Final = "traces.span.duration"
HOUR_MS: Final = 3_600_000
_WIDEST_BY_MINUTE: Final = 5


@dataclass(frozen=True, slots=True)
class DemoWindow:
    """The range asked about: whole hours, epoch ms."""

    from_ms: int
    to_ms: int

    @classmethod
    def around(cls, from_ms: int, to_ms: int) -> "DemoWindow":
        """Widened to whole hours, so that it does not depend on the granularity."""
        return cls(from_ms // HOUR_MS * HOUR_MS, -(-(to_ms + 1) // HOUR_MS) * HOUR_MS)

    @property
    def granularity(self) -> str:
        """Buckets few enough to be answered for every label at once."""
        return "1m" if (self.to_ms - self.from_ms) // HOUR_MS <= _WIDEST_BY_MINUTE else "1h"


@dataclass(frozen=True, slots=True)
class DemoQuestion:
    """One time series question, with one aggregate, by at most one dimension."""

    metric: str
    agg: str = "count"
    group_by: str = ""
    source: str = "events"

    def body(self, window: DemoWindow) -> dict[str, Any]:
        """The JSON body for `POST /v1/query/timeseries`; past the cache."""
        return {
            "metric": self.metric,
            "source": self.source,
            "from": window.from_ms,
            "to": window.to_ms,
            "granularity": window.granularity,
            "groupBy": [self.group_by] if self.group_by else [],
            "agg": [self.agg],
            "cache": False,
        }


Totals = dict[tuple[DemoQuestion, str], float]
"""DemoQuestion and label (or "") -> total."""


def totals(question: DemoQuestion, answer: Mapping[str, Any]) -> Totals:
    """Sum the buckets of an answer per label. Raises ValueError when it was truncated."""
    if answer.get("meta", {}).get("truncated"):
        raise ValueError(f"the answer about {question.metric} was truncated")
    column = answer["columns"].index(question.agg)
    found: Totals = {}
    for series in answer["series"]:
        label = series["labels"].get(question.group_by, "") if question.group_by else ""
        total = sum(row[column] or 0 for row in series["rows"])
        found[question, label] = found.get((question, label), 0.0) + total
    return found


def expected(tally: DemoTally) -> Totals:
    """What must be found of this run, after what was there before is taken off."""
    wanted: Totals = {}
    for name in sorted(tally.counts):
        wanted[DemoQuestion(name), ""] = tally.counts[name]
        if name in tally.sums:
            wanted[DemoQuestion(name, "sum"), ""] = tally.sums[name]
    page_views = DemoQuestion(catalogue.PAGE_VIEW, group_by="country")
    for (name, country), count in sorted(tally.by_country.items()):
        if name == catalogue.PAGE_VIEW:
            wanted[page_views, country] = count
    for (name, release), count in sorted(tally.by_release.items()):
        if name in (catalogue.EXCEPTION, catalogue.PURCHASE):
            wanted[DemoQuestion(name, group_by="release"), release] = count
    spans = DemoQuestion(SPAN_METRIC, group_by="service", source="spans")
    for service, count in sorted(tally.otlp.get("spans", {}).items()):
        wanted[spans, service] = count
    return wanted


def every_question() -> list[DemoQuestion]:
    """All questions that any run can lead to: what is asked before anything is sent."""
    names = (
        catalogue.PAGE_VIEW,
        *catalogue.FUNNEL,
        catalogue.FEATURE_CLICK,
        catalogue.EXCEPTION,
        catalogue.SEARCH_RESULTS,
        *(vital.event for vital in catalogue.VITALS),
    )
    return [
        *(DemoQuestion(name) for name in names),
        *(DemoQuestion(name, "sum") for name in names),
        DemoQuestion(catalogue.PAGE_VIEW, group_by="country"),
        DemoQuestion(catalogue.EXCEPTION, group_by="release"),
        DemoQuestion(catalogue.PURCHASE, group_by="release"),
        DemoQuestion(SPAN_METRIC, group_by="service", source="spans"),
    ]


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison."""

    question: DemoQuestion
    label: str
    wanted: float
    found: float

    @property
    def equal(self) -> bool:
        """Exactly equal."""
        return self.wanted == self.found


def compare(wanted: Totals, before: Totals, after: Totals) -> list[Line]:
    """Every expected number beside what was added between two askings.

    A label that was not expected but grew is a line of its own: another program's event.
    """
    grown = {key: after[key] - before.get(key, 0.0) for key in after}
    asked = {question for question, _ in wanted}
    extra = [key for key, more in grown.items() if more and key[0] in asked and key not in wanted]
    return [
        Line(question, label, wanted.get((question, label), 0.0), grown.get((question, label), 0.0))
        for question, label in [*wanted, *sorted(extra, key=lambda key: (key[0].metric, key[1]))]
    ]


def table(lines: Iterable[Line]) -> str:
    """The comparisons as text columns."""
    rows = [("", "metric", "aggregate", "label", "accepted", "found")]
    for line in lines:
        mark = "ok" if line.equal else "DIFFERS"
        question = line.question
        label = f"{question.group_by}={line.label}" if question.group_by else ""
        rows.append(
            (
                mark,
                question.metric,
                question.agg,
                label,
                f"{line.wanted:.10g}",
                f"{line.found:.10g}",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
