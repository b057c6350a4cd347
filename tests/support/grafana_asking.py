"""What alerting sees of an answer: series, as the plugin's `frames_series.go` and
`frames_ledger.go` make them, in Python.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from grafana.asking import PATHS, Api, interpolate

__all__ = ["MEASURES", "PATHS", "Api", "Series", "interpolate", "series_of"]


@dataclass(frozen=True)
class Series:
    """A series as alerting sees it: labels, and (epoch ms, value) in order."""

    labels: Mapping[str, str]
    points: list[tuple[int, float | None]]


MEASURES: dict[str, Callable[[Mapping[str, Any]], float]] = {
    "offered": lambda row: row["offered"],
    "accepted": lambda row: row["accepted"],
    "stored": lambda row: row["stored"],
    "archived": lambda row: row["archived"],
    "duplicate": lambda row: row["duplicate"],
    "deadLettered": lambda row: row["deadLettered"],
    "sampled": lambda row: row["sampled"],
    "limited": lambda row: row["limited"],
    "deadLetters": lambda row: row["deadLetters"],
    "rejected": lambda row: sum(row["rejected"].values()),
    "requestRejections": lambda row: sum(row["requestRejections"].values()),
    "unarchived": lambda row: 0 if row["archiveSettled"] else row["balance"]["archived"] or 0,
    "offBy": lambda row: (
        abs(row["balance"]["offered"]) + abs(row["balance"]["stored"] or 0) if row["settled"] else 0
    ),
    "archiveOffBy": lambda row: (
        abs(row["balance"]["archived"] or 0) if row["archiveSettled"] else 0
    ),
}


def series_of(target: Mapping[str, Any], answer: Mapping[str, Any], now_ms: int) -> list[Series]:
    """The answer of a `timeseries` target, or of a `ledger` target with measures."""
    if target["queryType"] == "ledger":
        return _ledger(target["series"], answer, now_ms)
    names = answer["columns"][1:]
    return [
        Series(
            series["labels"] | ({"agg": name} if len(names) > 1 else {}),
            [(row[0], row[place]) for row in series["rows"]],
        )
        for series in answer["series"]
        for place, name in enumerate(names, start=1)
    ]


def _ledger(measures: list[str], answer: Mapping[str, Any], now_ms: int) -> list[Series]:
    found: dict[tuple[str, str, str], list[tuple[int, float | None]]] = {}
    for row in answer["rows"]:
        for name in measures:
            if name != "behind":
                points = found.setdefault((row["app"], row["signal"], name), [])
                points.append((row["time"], MEASURES[name](row)))
    series = [
        Series({"app": app, "signal": signal, "count": name}, points)
        for (app, signal, name), points in found.items()
    ]
    if "behind" in measures:
        for sink, field in (("store", "settledUntil"), ("archive", "archiveSettledUntil")):
            if answer[field] is not None:
                behind = (now_ms - answer[field]) / 1000
                series.append(Series({"sink": sink, "count": "behind"}, [(now_ms, behind)]))
    return series
