"""What a push wants of a Grafana: the committed files, in the form that the API takes."""

import json
from pathlib import Path
from typing import Any

import pytest

from grafana.push.objects import KINDS, DesiredState
from grafana.push.wanted import PushOptions, Wish, filled, plain, wish

FOLDER = Path(__file__).parents[2] / "provisioning" / "grafana"
FILES = {
    path.relative_to(FOLDER).as_posix(): path.read_text()
    for path in FOLDER.rglob("*")
    if path.suffix in (".json", ".yaml")
}
ALERTED = {
    "SEAMARK_ALERT_SLACK_URL": "https://hooks.example.com/$1",
    "SEAMARK_ALERT_PAGERDUTY_KEY": "key",
    "SEAMARK_ALERT_EMAIL_ADDRESSES": "a@example.com",
    "SEAMARK_ALERT_WEBHOOK_URL": "https://example.com",
}


def of(kind: str, made: Wish) -> dict[str, DesiredState]:
    return {each.uid: each for each in made.objects if each.kind == kind}


def test_every_committed_file_is_wanted() -> None:
    made = wish(FILES, PushOptions(), ALERTED)
    counts = {kind: len(of(kind, made)) for kind in KINDS}
    boards = sum(path.endswith(".json") for path in FILES)
    rules = FILES["alerting/rules.yaml"].count("      - uid: ")
    groups = FILES["alerting/rules.yaml"].count("    interval: ")
    assert counts == {
        "folder": 2,
        "datasource": 1,
        "dashboard": boards,
        "contact point": 4,
        "alert rule": rules,
        "rule group": groups,
    }
    assert not made.notes
    assert len({each.key for each in made.objects}) == len(made.objects)


def test_all_carry_our_mark() -> None:
    made = wish(FILES, PushOptions(), ALERTED)
    for board in of("dashboard", made).values():
        assert {"seamark", "managed-by-seamark"} <= set(board.body["tags"])
        assert board.uid.startswith("seamark-")
    for rule in of("alert rule", made).values():
        assert rule.body["labels"]["managed_by"] == "seamark"
        assert rule.body["folderUID"] == "seamark-alerts"
        assert rule.uid.startswith("seamark-")
        assert not {"dashboardUid", "panelId", "keepFiringFor"} & rule.body.keys()
        assert rule.body["keep_firing_for"].endswith(("s", "m"))


def test_dollars_of_files_are_single_for_the_api_where_files_double_them() -> None:
    text = FILES["alerting/rules.yaml"].replace("severity: critical", "severity: $$5", 1)
    made = wish(FILES | {"alerting/rules.yaml": text}, PushOptions(), {})
    rules = of("alert rule", made).values()
    assert "$5" in {rule.body["labels"]["severity"] for rule in rules}
    says = json.dumps([rule.body["annotations"] for rule in rules])
    assert "{{ $labels.app }}" in says
    assert "$$" not in json.dumps([rule.body for rule in rules], default=str)


@pytest.mark.parametrize(
    ("text", "value", "missing"),
    [
        ("$A", "1", []),
        ("${A}/x", "1/x", []),
        ("$$A", "$A", []),
        ("$$$A", "$1", []),
        ("$NONE", "", ["NONE"]),
        ("$EMPTY", "", ["EMPTY"]),
        ("5 $ or 6", "5 $ or 6", []),
    ],
)
def test_variables(text: str, value: str, missing: list[str]) -> None:
    assert filled(text, {"A": "1", "EMPTY": ""}) == (value, missing)
    assert plain("$$A $") == "$A $"


def test_contact_points_are_those_whose_variables_are_set() -> None:
    made = wish(FILES, PushOptions(), {"SEAMARK_ALERT_SLACK_URL": "https://x/$$y"})
    assert set(of("contact point", made)) == {"seamark-slack"}
    slack = of("contact point", made)["seamark-slack"]
    assert slack.body["settings"] == {"url": "https://x/$$y"}, "a value is not read again"
    assert slack.secrets == {("settings", "url"): "$SEAMARK_ALERT_SLACK_URL"}
    assert len(made.notes) == 3


def test_another_datasource_is_pointed_to_everywhere() -> None:
    made = wish(FILES, PushOptions(datasource="other"), {})
    assert not of("datasource", made)
    for rule in of("alert rule", made).values():
        uids = {step["datasourceUid"] for step in rule.body["data"]}
        uids |= {step["model"]["datasource"]["uid"] for step in rule.body["data"]}
        assert uids == {"other", "__expr__"}
    for board in of("dashboard", made).values():
        chosen = [v for v in board.body["templating"]["list"] if v["type"] == "datasource"]
        assert {variable["current"]["value"] for variable in chosen} == {"other"}
        assert '"uid": "seamark"' not in json.dumps(board.body)


def test_a_folder_is_named_only_when_asked() -> None:
    silent = of("folder", wish(FILES, PushOptions(), {}))
    assert {uid: (f.title, dict(f.body)) for uid, f in silent.items()} == {
        "seamark": ("Seamark", {}),
        "seamark-alerts": ("Seamark alerts", {}),
    }
    asked = of("folder", wish(FILES, PushOptions(folder="X"), {}))
    assert [f.body["title"] for f in asked.values()] == ["X", "X alerts"]


def test_a_datasource_holds_only_what_was_given() -> None:
    def body(choices: PushOptions) -> dict[str, Any]:
        return dict(of("datasource", wish(FILES, choices, {}))["seamark"].body)

    assert not {"url", "secureJsonData"} & body(PushOptions()).keys()
    given = body(PushOptions(datasource_url="http://a", datasource_token="smq_x"))
    assert given["url"] == "http://a"
    assert given["secureJsonData"] == {"token": "smq_x"}
    assert len(given["jsonData"]["tokenDigest"]) == 16
    assert "smq_x" not in str(given["jsonData"])
