"""What a stack says of one service: the API's counts, and the ledger's."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.clients.workload import BIG_LINE_CHARS
from tests.system.stack import Stack

SIGNALS = ("traces", "metrics", "logs")
COUNTS = ("offered", "accepted", "rejected", "limited", "sampled", "deadLettered", "stored")


@dataclass(frozen=True, slots=True)
class Ledger:
    """Totals of the ledger: signal -> name -> items; signal -> requests; requests turned away."""

    items: Mapping[str, Mapping[str, int]]
    requests: Mapping[str, int]
    refused_requests: int

    def since(self, before: "Ledger") -> "Ledger":
        """What was added to an earlier one."""
        items = {
            signal: {name: count - before.items[signal][name] for name, count in counts.items()}
            for signal, counts in self.items.items()
        }
        requests = {one: count - before.requests[one] for one, count in self.requests.items()}
        return Ledger(items, requests, self.refused_requests - before.refused_requests)


def ask(stack: Stack, path: str, question: Mapping[str, Any]) -> Any:
    """A question over HTTP."""
    request = urllib.request.Request(
        stack.urls.api + path,
        data=json.dumps({"from": "now-1h", "to": "now", "cache": False, **question}).encode(),
        headers={"Authorization": f"Bearer {stack.credentials['query_token']}"},
    )
    return _answer(request)


def _answer(request: urllib.request.Request) -> Any:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        raise AssertionError(f"{request.full_url}: {refused.read().decode()}") from None


def ledger(stack: Stack) -> Ledger:
    """The ledger of the last hour."""
    items: dict[str, dict[str, int]] = {}
    requests: dict[str, int] = {}
    refused = 0
    for signal in SIGNALS:
        query = urllib.parse.urlencode({"signal": signal, "from": "now-1h", "to": "now"})
        request = urllib.request.Request(
            f"{stack.urls.api}/v1/ledger?{query}",
            headers={"Authorization": f"Bearer {stack.credentials['query_token']}"},
        )
        totals = _answer(request)["totals"]
        rejected = sum(totals["rejected"].values())
        items[signal] = {name: totals[name] or 0 for name in COUNTS if name != "rejected"}
        items[signal]["rejected"] = rejected
        requests[signal] = totals["requests"]
        refused += sum(totals["requestRejections"].values())
    return Ledger(items, requests, refused)


def counted(stack: Stack, service: str) -> dict[str, float]:
    """Name -> number, as `Workload.expected` has them."""
    named = [{"key": "service", "op": "=", "value": service}]
    spans, lasted = _whole(stack, "traces.span.duration", ["count", "sum"], named)
    basket, wait = (
        _whole(stack, f"{service}.{name}", ["count", "sum"]) for name in ("basket", "wait")
    )
    errors = ask(stack, "/v1/query/errors", {"limit": 100})["groups"]
    return {
        "spans": spans,
        "spans ms": lasted,
        "exceptions": sum(group["count"] for group in errors if group["service"] == service),
        "log records": _records(stack, service),
        "1 MB lines": _lines(stack, service),
        "counter": _whole(stack, f"{service}.orders", ["sum"])[0],
        "up-down": _whole(stack, f"{service}.open", ["sum_last"])[0],
        "histogram count": basket[0],
        "histogram sum": basket[1],
        "exponential count": wait[0],
        "exponential sum": wait[1],
        "gauge": _whole(stack, f"{service}.depth", ["sum_last"])[0],
    }


def _whole(stack: Stack, metric: str, agg: list[str], filters: Any = ()) -> list[float]:
    """Aggregates over everything; zeros where there is nothing."""
    asked = {"metric": metric, "agg": agg, "granularity": "30d", "filters": list(filters)}
    answer = ask(stack, "/v1/query/timeseries", asked)
    rows = [row[1:] for series in answer["series"] for row in series["rows"]]
    assert len(rows) <= 1, rows
    return [round(value or 0, 6) for value in rows[0]] if rows else [0.0] * len(agg)


def _records(stack: Stack, service: str) -> float:
    asked = {"service": service, "granularity": "1h"}
    answer = ask(stack, "/v1/query/logs/histogram", asked)
    return float(sum(row[1] for series in answer["series"] for row in series["rows"]))


def _lines(stack: Stack, service: str) -> float:
    """Whole lines of a megabyte, each with its number."""
    found: list[str] = []
    question = {"service": service, "severity": "ERROR", "limit": 100, "cursor": ""}
    while True:
        answer = ask(stack, "/v1/query/logs", question)
        found += [record["body"] for record in answer["logs"]]
        question["cursor"] = answer["cursor"]
        if not question["cursor"]:
            break
    whole = {f"line {number} " + "z" * BIG_LINE_CHARS for number in range(1, len(found) + 1)}
    return len(whole & set(found))
