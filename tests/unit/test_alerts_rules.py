"""The provisioned alert rules: what Grafana refuses, what a person needs, and how they reckon."""

import re
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from grafana.alerts.contacts import CONTACTS
from grafana.alerts.rules import RULES
from seamark.cli import app
from tests.support.alert_evaluator import Numbers, arithmetic, reduce, resample, threshold
from tests.support.alert_texts import rendered
from tests.support.grafana_asking import Series
from tests.support.grafana_files import SAVED as SAVED_BOARDS

ROOT = Path(__file__).parents[2]
DECLARED = "".join(
    path.read_text()
    for part in ("collector", "processors", "api", "seamark")
    for path in (ROOT / part).rglob("*.py")
)
HELP = CliRunner().invoke(app, ["--help"]).output
FOLDER = ROOT / "provisioning" / "grafana"
RUNBOOKS = ROOT / "docs" / "runbooks"
SAVED: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "alerting/rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]
MINUTE_MS = 60_000


def test_uids_and_titles_are_unique() -> None:
    for name in ("uid", "title"):
        found = [rule[name] for rule in SAVED]
        assert len(set(found)) == len(found)


@pytest.mark.parametrize("rule", SAVED, ids=lambda rule: rule["uid"])
def test_a_rule_is_a_question_a_number_and_a_threshold(rule: dict[str, Any]) -> None:
    steps = {step["refId"]: step for step in rule["data"]}
    assert rule["condition"] in steps
    assert steps[rule["condition"]]["model"]["type"] == "threshold"
    before: set[str] = set()
    for ref, step in steps.items():
        model = step["model"]
        assert model["refId"] == ref
        if step["datasourceUid"] == "__expr__":
            names = set(re.findall(r"\$(\w)\b", model["expression"])) or {model["expression"]}
            assert names <= before, "expressions come after what they need"
        else:
            assert step["datasourceUid"] == "seamark"
            assert step["relativeTimeRange"]["from"] > step["relativeTimeRange"]["to"]
            # alerting takes series, no tables
            assert model["queryType"] == "timeseries" or model["series"]
        if model.get("type") == "resample":
            assert step["relativeTimeRange"]["from"] > step["relativeTimeRange"]["to"]
        before.add(ref)


@pytest.mark.parametrize("rule", SAVED, ids=lambda rule: rule["uid"])
def test_contact_points_are_chosen_by_state(rule: dict[str, Any]) -> None:
    assert rule["noDataState"] in {"OK", "Alerting", "KeepLast"}
    assert re.fullmatch(r"\d+[sm]", rule["keepFiringFor"])
    assert rule["execErrState"] in {"KeepLast", "Alerting"}
    assert re.fullmatch(r"\d+[sm]", rule["for"])
    assert set(rule["labels"]) >= {"severity", "team", "org"}
    assert rule["labels"]["severity"] in {"critical", "warning"}
    summary = rule["annotations"]["summary"]
    assert len(summary) > 60
    refs = {step["refId"] for step in rule["data"]}
    assert set(re.findall(r"\$values\.(\w)\.", summary)) <= refs


def test_only_one_rule_fires_when_the_api_is_away() -> None:
    loud = [rule["uid"] for rule in SAVED if rule["execErrState"] == "Alerting"]
    assert loud == ["seamark-api-away"]


def test_environment_is_not_put_in_where_it_is_not_meant() -> None:
    for rule in SAVED:
        labels = {name: text for name, text in rule["labels"].items() if name != "org"}
        assert rule["labels"]["org"] == "$SEAMARK_GRAFANA_ORG"
        for text in (rule["title"], rule["uid"], *labels.values()):
            assert not re.search(r"(?<!\$)\$(?!\$)", text)
        # annotations are only read for ${…}
        assert "${" not in str(rule["annotations"])


@pytest.mark.parametrize("rule", SAVED, ids=lambda rule: rule["uid"])
def test_every_rule_has_a_runbook(rule: dict[str, Any]) -> None:
    page = RUNBOOKS / rule["annotations"]["runbook_url"].rpartition("/")[2]
    text = page.read_text()
    for heading in (
        "## What it means",
        "## Who is affected",
        "## First three checks",
        "## What to do",
    ):
        assert heading in text, (page.name, heading)
    checks = text.split("## First three checks")[1].split("##")[0]
    assert len(re.findall(r"^\d\. ", checks, re.MULTILINE)) == 3
    assert rule["uid"] in text


def test_runbooks_are_of_rules_that_there_are() -> None:
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}
    objectives = {"objective-burn"}  # where the table has any
    assert pages - objectives == {rule.page for rule in RULES} - objectives


@pytest.mark.parametrize("rule", SAVED, ids=lambda rule: rule["uid"])
def test_a_rule_is_shown_by_a_panel_that_there_is(rule: dict[str, Any]) -> None:
    board = (FOLDER / f"dashboards/seamark/{rule['dashboardUid']}.json").read_text()
    assert f'"id": {rule["panelId"]},' in board


@pytest.mark.parametrize("rule", SAVED, ids=lambda rule: rule["uid"])
def test_an_alert_says_whose_app_it_is_and_its_link_opens_that(rule: dict[str, Any]) -> None:
    asked = [step["model"] for step in rule["data"] if step["datasourceUid"] != "__expr__"]
    given = {"app", "signal"} if asked[0]["queryType"] == "ledger" else set()
    given |= set(asked[0]["request"].get("groupBy", []))
    assert "app" in given | set(rule["labels"])
    chosen = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["link"]))
    assert chosen <= given
    declared = SAVED_BOARDS[rule["dashboardUid"]]["templating"]["list"]
    assert chosen <= {variable["name"] for variable in declared}
    labels = dict.fromkeys(given, "a b&c") | {"app": "shop"}
    link = rendered(
        rule["annotations"]["link"], labels=labels, values={}, root="https://g.example.com/x/"
    )
    address = urllib.parse.urlsplit(link)
    assert (address.scheme, address.netloc) == ("https", "g.example.com")
    assert address.path == f"/x/d/{rule['dashboardUid']}"
    query = urllib.parse.parse_qs(address.query, strict_parsing=True)
    assert {name: query[f"var-{name}"] for name in chosen} == {n: [labels[n]] for n in chosen}


def test_contact_points_take_everything_from_the_environment() -> None:
    for contact in CONTACTS:
        saved = yaml.safe_load((FOLDER / f"contact-points/{contact.file}.yaml").read_text())
        (point,) = saved["contactPoints"]
        (receiver,) = point["receivers"]
        settings = dict(receiver["settings"])
        if contact.kind == "pagerduty":
            assert ".CommonLabels.severity" in settings.pop("severity")
        assert all(re.fullmatch(r"\$SEAMARK_ALERT_\w+", value) for value in settings.values())


def test_only_the_policy_file_says_which_alert_goes_where() -> None:
    for path in (*FOLDER.rglob("*.yaml"),):
        saved = yaml.safe_load(path.read_text())
        assert ("policies" in saved) == (path.parent.name == "policies")
        assert "notification_settings" not in path.read_text()


@pytest.mark.parametrize("rule", SAVED, ids=lambda rule: rule["uid"])
def test_a_summary_is_true_when_it_fires_and_when_it_is_resolved(rule: dict[str, Any]) -> None:
    """It names what was measured and the limit; what it says beside that holds either way."""
    summary = rule["annotations"]["summary"]
    assert "limit" in summary
    used = set(re.findall(r"\$values\.(\w)\.", summary))
    assert used or rule["uid"] == "seamark-api-away", "what was measured"
    labels = dict.fromkeys(re.findall(r"\$labels\.(\w+)", summary), "it")
    texts = {
        rendered(summary, labels=labels, values=dict.fromkeys(used, value)) for value in (0.0, 7.5)
    }
    assert len(texts) == (2 if used else 1)
    for text in texts:
        assert "{{" not in text
        for claim in ("is not good any more", "has begun", "at least", "have failed for"):
            assert claim not in text


COMMANDS = set(re.findall(r"^  (\w+)  ", HELP, re.MULTILINE)) | {"grafana push", "alert test"}


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: page.stem)
def test_a_runbook_names_only_what_there_is(page: Path) -> None:
    text = page.read_text()
    for command in re.findall(r"`seamark ([a-z]+)", text):
        assert command in {name.split()[0] for name in COMMANDS}, command
    for board in re.findall(r"\(/d/([\w-]+)", text):
        assert board in SAVED_BOARDS
    for link in re.findall(r"\]\(((?!/d/|https?:)[^)#]+)", text):
        assert (page.parent / link).exists(), link
    known = (ROOT / "docs/settings.md").read_text()
    for name in re.findall(r"`(SEAMARK_[A-Z_]+)`", text):
        if not name.startswith(("SEAMARK_ALERT_", "SEAMARK_DEAD", "SEAMARK_GRAFANA_")):
            assert f"`{name}`" in known, name
    for name in re.findall(r"`(seamark_\w+)`", text):
        assert f'"{name}"' in DECLARED, name


def test_a_series_that_stopped_counts_nothing() -> None:
    stopped = Series({"app": "a"}, [(n * MINUTE_MS, 60.0) for n in range(60)])
    model = {"reducer": "last", "settings": {"mode": "replaceNN", "replaceWithValue": 0}}
    for to_minute, counted in ((59, 5 * 60.0), (62, 2 * 60.0), (70, 0.0)):
        to_ms = to_minute * MINUTE_MS
        window = {"window_ms": 5 * MINUTE_MS, "from_ms": to_ms - 10 * MINUTE_MS, "to_ms": to_ms}
        quiet = resample(stopped, **window)
        assert len(quiet.points) == 3
        assert reduce(model, [quiet]) == {(("app", "a"),): counted}


def test_expressions_are_of_label_sets_that_agree() -> None:
    a, b = (("s", "a"),), (("s", "b"),)
    numbers: dict[str, Numbers] = {"C": {a: 2.0}, "D": {a: 100.0, b: 50.0}}
    assert arithmetic("($C / $D) * ($D >= 100)", numbers) == {a: 0.02}
    model = {"conditions": [{"evaluator": {"type": "gt", "params": [0.01]}}]}
    assert threshold(model, {a: 0.02, b: 0.01}) == {a: 1.0, b: 0.0}
