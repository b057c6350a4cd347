"""Asks what a Grafana panel or alert rule asks, as the datasource plugin does: in Python.

Path by query type, the request with its range, and the app; answers become series as in the
plugin's `frames_series.go` and `frames_ledger.go`. `tests/unit/test_dashboards_files.py` holds this
and the plugin together.
"""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

PATHS = {
    "timeseries": "/v1/query/timeseries",
    "logs": "/v1/query/logs",
    "traces": "/v1/query/traces",
    "top": "/v1/query/top",
    "funnel": "/v1/query/funnel",
    "retention": "/v1/query/retention",
    "sessions": "/v1/query/sessions",
    "paths": "/v1/query/paths",
    "errors": "/v1/query/errors",
    "services": "/v1/query/services",
    "logvolume": "/v1/query/logs/histogram",
    "servicemap": "/v1/query/servicemap",
}
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")


def interpolate(value: Any, chosen: Mapping[str, str]) -> Any:
    """Variables in every text of a request, as Grafana does; `regex` escapes all but "All"."""

    def put(match: re.Match[str]) -> str:
        text = chosen[match[1] or match[3]]
        return re.escape(text) if match[2] == "regex" and text != ".*" else text

    if isinstance(value, str):
        return _VARIABLE.sub(put, value)
    if isinstance(value, list):
        return [interpolate(item, chosen) for item in value]
    if isinstance(value, dict):
        return {name: interpolate(item, chosen) for name, item in value.items()}
    return value


@dataclass(frozen=True)
class Api:
    """Seamark's API, with a query token. `fresh`: series are never of the cache."""

    url: str
    token: str
    fresh: bool = False

    def ask(self, target: Mapping[str, Any], from_ms: int, to_ms: int) -> dict[str, Any]:
        """The answer to a target whose variables are put in. Fails with the API's words."""
        span = {"from": from_ms, "to": to_ms}
        kind, request = target["queryType"], target.get("request", {})
        app = target.get("app", "")
        if kind == "trace":
            return self._send(f"/v1/traces/{target['traceId']}", None)
        if kind == "ledger":
            asked = span | ({"app": app} if app else {}) | request
            return self._send(f"/v1/ledger?{urllib.parse.urlencode(asked)}", None)
        if self.fresh and kind == "timeseries":
            request = {**request, "cache": False}
        return self._send(PATHS[kind], request | span | ({"appId": app} if app else {}))

    def _send(self, path: str, body: object) -> dict[str, Any]:
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{error.code} {error.read().decode()} to {body}") from None


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
    "buried": lambda row: row["buried"],
    "sampled": lambda row: row["sampled"],
    "limited": lambda row: row["limited"],
    "letters": lambda row: row["letters"],
    "rejected": lambda row: sum(row["rejected"].values()),
    "refused": lambda row: sum(row["refused"].values()),
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
