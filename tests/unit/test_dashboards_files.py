"""The committed Grafana files: what the code makes, and sound in themselves."""

import itertools
import re

import pytest
import yaml

from api.questions.registry import QUESTIONS
from api.questions.timeseries import TimeseriesRequest
from grafana.dashboards.all import BOARDS
from grafana.dashboards.board import Board
from grafana.dashboards.generate import DASHBOARD_FOLDER, files
from tests.support.grafana_asking import MEASURES, PATHS
from tests.support.grafana_files import FOLDER, PLUGIN, SAVED, panels, texts

FORMATS = {"regex", "queryparam", "percentencode", ""}
BUILT_IN = {"__url_time_range", "__data", "__field", "__value"}


def test_the_committed_files_are_those_that_are_made() -> None:
    made = files()
    found = {
        p.relative_to(FOLDER).as_posix(): p.read_text() for p in FOLDER.rglob("*.*") if p.is_file()
    }
    assert sorted(found) == sorted(made), "run `make dashboards`"
    assert [path for path in made if found[path] != made[path]] == [], "run `make dashboards`"


def test_dashboards_and_alerts_lie_in_folders_of_different_titles() -> None:
    rules = yaml.safe_load((FOLDER / "alerting/rules.yaml").read_text())
    assert {group["folder"] for group in rules["groups"]}.isdisjoint({DASHBOARD_FOLDER})


def test_uids_are_unique_and_ours() -> None:
    uids = [board.uid for board in BOARDS]
    assert len(set(uids)) == len(uids)
    assert all(uid.startswith("seamark-") and len(uid) <= 40 for uid in uids)


@pytest.mark.parametrize("uid", SAVED)
def test_a_dashboard_is_classic_json_with_ids_of_its_own(uid: str) -> None:
    saved = SAVED[uid]
    assert (saved["schemaVersion"], saved["tags"], saved["uid"]) == (42, ["seamark"], uid)
    assert saved.get("id") is None
    assert saved["description"]
    ids = [panel["id"] for panel in saved["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("uid", SAVED)
def test_panels_do_not_overlap(uid: str) -> None:
    places = [panel["gridPos"] for panel in SAVED[uid]["panels"]]
    for one in places:
        assert one["x"] >= 0
        assert one["x"] + one["w"] <= 24
        assert one["w"] > 0
        assert one["h"] > 0
    for a, b in itertools.combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or above, (a, b)


@pytest.mark.parametrize("uid", SAVED)
def test_no_line_of_panels_has_a_hole(uid: str) -> None:
    lines: dict[int, list[dict[str, int]]] = {}
    for panel in SAVED[uid]["panels"]:
        lines.setdefault(panel["gridPos"]["y"], []).append(panel["gridPos"])
    below = 0
    for top, line in sorted(lines.items()):
        assert top == below
        assert sum(place["w"] for place in line) == 24
        (height,) = {place["h"] for place in line}
        below += height


@pytest.mark.parametrize("uid", SAVED)
def test_the_ways_to_other_dashboards_are_on_the_screen(uid: str) -> None:
    ways = SAVED[uid]["links"]
    titles = ["All dashboards"] if uid == "seamark-start" else ["Start here", "All dashboards"]
    assert [way["title"] for way in ways] == titles
    for way in ways:
        assert way["keepTime"]
        assert way["includeVars"]
        assert "placement" not in way, "Grafana 12.3 shows no menu where it would be"


@pytest.mark.parametrize("uid", SAVED)
def test_a_panel_has_a_description(uid: str) -> None:
    titles = [panel["title"] for panel in panels(uid)]
    assert len(set(titles)) == len(titles)
    for panel in panels(uid):
        assert panel["title"]
        assert len(panel["description"]) > 10
        if panel["type"] in ("text", "alertlist"):
            continue
        assert panel["datasource"] == {"type": "seamark-datasource", "uid": "${datasource}"}
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert len(panel["targets"]) == 1, "one question"
        assert panel["targets"][0]["datasource"] == panel["datasource"]
        assert panel["targets"][0]["refId"] == "A"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_the_first_row_shows_whether_anything_is_broken(board: Board) -> None:
    assert board.rows[0].title.endswith("?")
    assert "since when" in board.rows[0].title
    assert len(board.rows[0].panels) >= 2


@pytest.mark.parametrize("uid", SAVED)
def test_variables_are_declared_and_used(uid: str) -> None:
    saved = SAVED[uid]
    declared = {variable["name"] for variable in saved["templating"]["list"]}
    whole = [*texts(saved["panels"]), *texts(saved["templating"])]
    used = set()
    for text in whole:
        for match in re.finditer(r"\$\{(\w+)[^}:]*(?::(\w+))?\}|\$([a-z]\w*)", text):
            name = match[1] or match[3]
            assert (match[2] or "") in FORMATS, text
            if name not in BUILT_IN:
                used.add(name)
    assert used <= declared
    asked = {
        n
        for p in panels(uid)
        for t in texts(p.get("targets", []))
        for n in re.findall(r"\$\{?(\w+)", t)
    }
    assert declared - {"datasource"} <= asked, "declared, and of no effect"


@pytest.mark.parametrize("uid", SAVED)
def test_links_lead_to_dashboards_and_variables_that_are_there(uid: str) -> None:
    for text in texts(SAVED[uid]["panels"]):
        for target, query in re.findall(r"/d/([\w-]+)(\?[^\s)]*)?", text):
            assert target in SAVED, text
            declared = {variable["name"] for variable in SAVED[target]["templating"]["list"]}
            set_ = set(re.findall(r"var-(\w+)=", query))
            kept = set(re.findall(r"\$\{(\w+):queryparam\}", query))
            assert set_ | kept <= declared, (target, query)


def test_questions_are_asked_where_the_plugin_asks_them() -> None:
    source = (PLUGIN / "questions.go").read_text()
    found = dict(re.findall(r'"(\w+)":\s+\{path: "(/v1/[^"]+)"', source))
    assert {kind: found.get(kind) for kind in PATHS} == PATHS
    measures = (PLUGIN / "frames_ledger.go").read_text()
    table = measures[measures.index("var measures") : measures.index("// ledgerFrames")]
    assert set(re.findall(r'^\t"(\w+)":', table, re.MULTILINE)) == set(MEASURES)


def test_requests_have_fields_that_the_api_knows() -> None:
    known = set(TimeseriesRequest.__struct_encode_fields__)
    for board in BOARDS:
        for panel in board.panels:
            for ask in panel.asks:
                if ask.kind == "timeseries":
                    assert set(ask.request) <= known, panel.title


@pytest.mark.parametrize("uid", SAVED)
def test_numbers_are_called_by_labels_that_the_plugin_gives_them(uid: str) -> None:
    given = {
        question.kind: [column.label for column in question.columns if column.label]
        for question in QUESTIONS
    }
    for panel in panels(uid):
        (target,) = panel.get("targets") or [{}]
        if target.get("format") != "numeric" or target["queryType"] == "ledger":
            continue
        assert "displayName" not in panel["fieldConfig"]["defaults"], "the plugin says (none)"
        label = target["legend"].removeprefix("{{").removesuffix("}}")
        request = target["request"]
        kind = target["queryType"]
        assert label == request["by"] if kind == "top" else label in given[kind], panel["title"]
        # A pattern of fields would be matched with their display names: nothing would be shown.
        assert not panel["options"]["reduceOptions"].get("fields")
        if target["queryType"] == "errors":
            assert target["value"] == "releases.rate"


BY_DAYS = {"1d", "1w", "day", "week"}


@pytest.mark.parametrize("uid", SAVED)
def test_a_panel_by_days_has_a_range_of_its_own(uid: str) -> None:
    for panel in panels(uid):
        for target in panel.get("targets", ()):
            request = target.get("request", {})
            steps = {request.get(name) for name in ("granularity", "step", "period")}
            if steps & BY_DAYS:
                assert panel.get("timeFrom", "").endswith("d"), panel["title"]


@pytest.mark.parametrize("uid", SAVED)
def test_deploys_and_releases_are_marked_on_every_series(uid: str) -> None:
    (marks,) = [m for m in SAVED[uid]["annotations"]["list"] if not m.get("builtIn")]
    assert marks["enable"]
    assert marks["datasource"]["type"] == "seamark-datasource"
    assert marks["target"]["queryType"] == "annotations"
    assert marks["target"]["request"]["names"] == ["deploy", "release"]
