"""Tables and series of the committed dashboards have titles in plain language."""

import re
from typing import Final

import pytest

from api.questions.log_histogram import LEVELS
from api.questions.registry import BY_KIND
from grafana.dashboards.all import BOARDS
from grafana.dashboards.board import Board
from grafana.dashboards.columns import LEVEL_COLOURS
from grafana.dashboards.series import of_failures
from tests.support.grafana_files import PLUGIN, SAVED, clicked, overridden, panels, shown

FRAMED_IN_GO: Final = frozenset({"logs", "trace", "traces"})
"""Question types whose table is the plugin's own."""


@pytest.mark.parametrize("uid", SAVED)
def test_columns_that_are_named_are_the_plugin_s(uid: str) -> None:
    source = "\n".join(path.read_text() for path in PLUGIN.glob("*.go"))
    for panel in panels(uid):
        if panel["type"] != "table":
            continue
        named = {*overridden(panel), *shown(panel)} | clicked(panel)
        assert named, panel["title"]
        kind = panel["targets"][0]["queryType"]
        titles = {column.title for column in BY_KIND[kind].columns}
        for column in named:
            known = f'"{column}"' in source if kind in FRAMED_IN_GO else column in titles
            assert known, (panel["title"], column)


@pytest.mark.parametrize("uid", SAVED)
def test_columns_have_names_in_words_and_one_takes_what_is_left(uid: str) -> None:
    for panel in panels(uid):
        if panel["type"] != "table" or panel["targets"][0]["queryType"] == "retention":
            continue
        found = overridden(panel)
        columns = shown(panel)
        assert columns, "a table says which columns it shows"
        assert set(found) <= set(columns), "what is not shown needs no properties"
        assert clicked(panel) <= set(columns), "a link knows the cells that are shown"
        names = [str(found.get(column, {}).get("displayName", column)) for column in columns]
        for name in names:
            assert re.fullmatch(r"p\d\d( time)?|[A-Z][a-z-]+( [a-z(][a-z)-]*| ID)*", name), name
        assert len(set(names)) == len(names)
        widths = [found.get(column, {}).get("custom.width") for column in columns]
        assert None in widths, (panel["title"], "no column takes what the others leave")


@pytest.mark.parametrize("uid", SAVED)
def test_series_have_names_in_words(uid: str) -> None:
    for panel in panels(uid):
        if panel["type"] != "timeseries":
            continue
        (target,) = panel["targets"]
        legend = target.get("legend", "")
        assert legend, (panel["title"], "its series are called as the API calls its columns")
        if target["queryType"] == "sessions":  # whose columns are called in code
            (override,) = panel["fieldConfig"]["overrides"]
            assert {p["id"] for p in override["properties"]} == {"displayName"}


def test_levels_have_the_colours_that_one_expects() -> None:
    assert set(LEVEL_COLOURS) == set(LEVELS)
    severities = re.findall(
        r'number >= \d+:\s+return "(\w+)"', (PLUGIN / "frames_logs.go").read_text()
    )
    (warnings,) = [p for p in panels("seamark-logs") if p["title"] == "Warnings and errors"]
    mapping, _ = overridden(warnings)["severity"]["mappings"]
    texts_ = {key: value["text"] for key, value in mapping["options"].items()}
    assert set(texts_) == set(severities)
    assert set(texts_.values()) == set(LEVELS)
    for uid in ("seamark-logs", "seamark-service"):
        for panel in panels(uid):
            if panel["targets"][0]["queryType"] == "logvolume":
                found = {
                    name: properties["color"]["fixedColor"]
                    for name, properties in overridden(panel).items()
                }
                assert found == LEVEL_COLOURS


PER_SECOND: Final = {"reqps", "cps", "ops"}


@pytest.mark.parametrize("uid", SAVED)
def test_series_have_the_unit_of_what_they_measure_and_gaps_where_there_is_nothing(
    uid: str,
) -> None:
    for panel in panels(uid):
        if panel["type"] != "timeseries":
            continue
        assert panel["fieldConfig"]["defaults"]["custom"].get("spanNulls") is False, panel["title"]
        unit = panel["fieldConfig"]["defaults"]["unit"]
        for target in panel["targets"]:
            if target["queryType"] != "timeseries":
                continue
            request = target["request"]
            for aggregate in request["agg"]:
                where = (uid, panel["title"], aggregate, unit)
                if aggregate == "rate":
                    assert unit in PER_SECOND, where
                elif aggregate == "count" or aggregate.startswith("uniq_"):
                    assert unit == "short", where
                elif re.fullmatch(r"p\d\d", aggregate):
                    assert (
                        unit not in {"short", "none", *PER_SECOND} or "cls" in request["metric"]
                    ), where


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_series_of_what_went_wrong_are_never_green(board: Board) -> None:
    saved = {panel["id"]: panel for panel in panels(board.uid)}
    for panel in board.panels:
        found = saved[panel.id]
        if found["type"] == "timeseries" and any(of_failures(ask) for ask in panel.asks):
            colour = found["fieldConfig"]["defaults"]["color"]
            assert colour == {"mode": "shades", "fixedColor": "red"}, panel.title


def test_what_went_wrong_is_told_by_what_is_asked() -> None:
    wrong = {p.title for board in BOARDS for p in board.panels if any(map(of_failures, p.asks))}
    assert {"Errors in pages", "Failing calls", "Errors over time", "Items rejected"} <= wrong
    assert "Page views" not in wrong
