"""Every panel of every committed dashboard, asked of a stack with the demo's data.

What is asked is what stands in the committed files; what the answer has to look like stands beside
the panel's definition. Each panel is asked twice: for everything, and with values chosen.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from grafana.asking import HOUR_MS, Api, interpolate, opening, range_ms
from grafana.dashboards.all import BOARDS
from grafana.dashboards.ask import Ask
from grafana.dashboards.board import Board
from grafana.dashboards.panels import Panel
from tests.support.until import until
from tests.system.played_demo import play
from tests.system.stack import Stack

pytestmark = [pytest.mark.system, pytest.mark.slow]
FILES = Path(__file__).parents[2] / "provisioning" / "grafana" / "dashboards" / "seamark"
ADDITIVE = {"count", "sum", "rate"}
CHOSEN = {
    "app": "demo",
    "release": "2.5.0",
    "country": "US",
    "device": "desktop",
    "page": "/product",
    "service": "gateway",
}
PANELS = [(board, panel) for board in BOARDS for panel in board.panels if panel.asks]


@pytest.fixture(scope="module")
def api(stack_of_its_own: Stack) -> Api:
    """The API of a stack in which the demo has played four days, and a little of now."""
    stack = stack_of_its_own
    play(stack, "--backfill", "96", "--sessions", "500", "--seed", "3")
    # The last day again, denser: dashboards open on hours.
    play(stack, "--backfill", "2", "--sessions", "400", "--seed", "4")
    found = Api(stack.urls.api, stack.credentials["query_token"])
    until_still(found)
    return found


def until_still(api: Api) -> None:
    """Wait until what was sent is stored and archived: the ledger say so."""
    target = {"queryType": "ledger", "request": {"step": "1h"}}

    def totals() -> Any:
        now = time.time_ns() // 1_000_000
        return api.ask(target, now - HOUR_MS, now)["totals"]

    until(
        totals,
        lambda found: found["stored"] and found["stored"] == found["archived"],
        seconds=300,
        every=1,
    )


@pytest.mark.parametrize(("board", "panel"), PANELS, ids=lambda x: getattr(x, "uid", "") or x.title)
def test_a_panel_shows_what_its_title_names(api: Api, board: Board, panel: Panel) -> None:
    asked = committed(board, panel)
    for target, ask in zip(asked, panel.asks, strict=True):
        everything = {**defaults(board), "trace": a_trace(api)}
        answer = put(api, board, panel, target, everything)
        general(target, answer, ask)
        ask.expect(answer)


@pytest.mark.parametrize(("board", "panel"), PANELS, ids=lambda x: getattr(x, "uid", "") or x.title)
def test_a_panel_answers_when_values_are_chosen(api: Api, board: Board, panel: Panel) -> None:
    chosen = {**defaults(board), **CHOSEN, "trace": a_trace(api)}
    for target in committed(board, panel):
        shape(target, put(api, board, panel, target, chosen))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_variables_offer_what_is_there(api: Api, board: Board) -> None:
    now = time.time_ns() // 1_000_000
    for variable in file(board)["templating"]["list"]:
        if variable["type"] != "query":
            continue
        query = variable["query"]
        path = f"/v1/labels/{query['label']}/values?metric={query['metric']}"
        answer = api._send(f"{path}&from={now - 24 * HOUR_MS}&to={now}", None)
        offered = {row["value"] for row in answer["values"]}
        assert CHOSEN[variable["name"]] in offered, (variable["name"], offered)


def committed(board: Board, panel: Panel) -> list[dict[str, Any]]:
    """The targets of a panel as they stand in the committed file."""
    targets: list[dict[str, Any]] = saved(board, panel)["targets"]
    return targets


def saved(board: Board, panel: Panel) -> dict[str, Any]:
    """A panel as it is committed."""
    (found,) = [one for one in file(board)["panels"] if one["id"] == panel.id]
    return dict(found)


def file(board: Board) -> dict[str, Any]:
    """The dashboard as it is committed."""
    found: dict[str, Any] = json.loads((FILES / f"{board.uid}.json").read_text())
    return found


def defaults(board: Board) -> dict[str, str]:
    """Variables as the dashboard opens with them."""
    return opening(file(board), CHOSEN)


def put(
    api: Api, board: Board, panel: Panel, target: Mapping[str, Any], chosen: Mapping[str, str]
) -> dict[str, Any]:
    now = time.time_ns() // 1_000_000
    whole = interpolate({k: v for k, v in target.items() if k != "datasource"}, chosen)
    return api.ask(whole, now - range_ms(file(board), saved(board, panel)), now)


def a_trace(api: Api) -> str:
    now = time.time_ns() // 1_000_000
    target = {"queryType": "traces", "request": {"limit": 1}}
    return str(api.ask(target, now - 24 * HOUR_MS, now)["traces"][0]["traceId"])


LISTS = {
    "timeseries": "series",
    "sessions": "series",
    "logvolume": "series",
    "top": "values",
    "funnel": "funnels",
    "retention": "cohorts",
    "paths": "paths",
    "errors": "groups",
    "services": "services",
    "servicemap": "nodes",
    "logs": "logs",
    "traces": "traces",
    "trace": "spans",
    "ledger": "rows",
    "freshness": "arrivals",
}


def general(target: Mapping[str, Any], answer: Mapping[str, Any], ask: Ask) -> None:
    """What holds for every answer of its kind, and that there is one."""
    kind = target["queryType"]
    assert len(answer[LISTS[kind]]) >= ask.least_rows, f"nothing to show: {answer}"
    shape(target, answer)


def shape(target: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    kind, request = target["queryType"], target["request"]
    if kind == "timeseries":
        assert answer["columns"] == ["time", *request["agg"]]
        assert all(set(s["labels"]) == set(request.get("groupBy", [])) for s in answer["series"])
        assert all(series["rows"] for series in answer["series"])
    elif kind == "top" and request.get("agg", "count") in ADDITIVE and answer["values"]:
        assert sum(row["share"] for row in answer["values"]) == pytest.approx(1)
        assert sum(row["value"] for row in answer["values"]) == pytest.approx(answer["total"])
    elif kind == "funnel":
        for funnel in answer["funnels"]:
            people = [step["people"] for step in funnel["steps"]]
            assert people == sorted(people, reverse=True)
    elif kind == "retention":
        for cohort in answer["cohorts"]:
            assert all(returned <= cohort["people"] for returned in cohort["returned"])
            assert not cohort["returned"] or cohort["returned"][0] == cohort["people"]
    elif kind == "errors":
        assert sum(row["errors"] for row in answer["releases"]) == answer["total"]["errors"]
    elif kind == "servicemap":
        names = {node["service"] for node in answer["nodes"]}
        assert {e["client"] for e in answer["edges"]} <= names
    elif kind == "ledger":
        assert answer["balanced"] is not False
