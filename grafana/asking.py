"""Asks the API what a panel asks, as the datasource plugin does: in Python.

Path by query type, the request with its range, and the app. `tests/unit/test_dashboards_files.py`
holds this and the plugin together.
"""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PATHS = {
    "logs": "/v1/query/logs",
    "logvolume": "/v1/query/logs/histogram",
    "servicemap": "/v1/query/servicemap",
    "traces": "/v1/query/traces",
}
"""Of the query types that the plugin frames itself. Any other is asked as /v1/query/<type>."""
HOUR_MS = 3_600_000
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
        path = PATHS.get(kind, f"/v1/query/{kind}")
        return self._send(path, request | span | ({"appId": app} if app else {}))

    def _send(self, path: str, body: object) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310  # an address one gave
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                answer: dict[str, Any] = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{error.code} {error.read().decode()} to {body}") from None


def opening(saved: Mapping[str, Any], chosen: Mapping[str, str]) -> dict[str, str]:
    """Variables of a dashboard (its JSON) as it opens: "All" is any value; `chosen` where it must
    be one."""
    found = {}
    for variable in saved["templating"]["list"]:
        name = variable["name"]
        if variable.get("includeAll"):
            found[name] = variable["allValue"]
        elif variable["type"] == "custom":
            found[name] = str(variable["query"]).split(",")[0]
        elif variable["type"] == "textbox":
            found[name] = str(variable["query"])
        elif variable["type"] == "query":
            found[name] = chosen[name]
    return found


def range_ms(saved: Mapping[str, Any], panel: Mapping[str, Any]) -> int:
    """How far back a panel of a dashboard looks when that opens, in milliseconds."""
    since = panel.get("timeFrom") or str(saved["time"]["from"]).removeprefix("now-")
    return int(since[:-1]) * {"h": HOUR_MS, "d": 24 * HOUR_MS}[since[-1]]
