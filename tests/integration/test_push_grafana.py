"""`seamark grafana push`, as a person runs it, against a server that answers as Grafana does."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.push_command import a_rule, done, push
from tests.integration.push_grafana import TOKEN, State

ROOT = Path(__file__).parents[2]
BOARDS = len(list((ROOT / "provisioning/grafana/dashboards/seamark").glob("*.json")))
SECRET = "https://hooks.slack.com/services/made-up/secret"
pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_everything_arrives_and_a_second_push_changes_nothing(
    grafana_url: str, grafana: State
) -> None:
    slack = {"SEAMARK_ALERT_SLACK_URL": SECRET}
    first = done(push(grafana_url, **slack))
    assert "Grafana 12.4.1" in first
    assert "contact point Seamark e-mail: left alone, SEAMARK_ALERT_EMAIL_ADDRESSES" in first
    assert {f["title"] for f in grafana.folders.values()} == {"Seamark", "Seamark alerts"}
    assert len(grafana.dashboards) == BOARDS
    assert {each["meta"]["folderUid"] for each in grafana.dashboards.values()} == {"seamark"}
    datasource = grafana.datasources["seamark"]
    assert datasource["url"] == "http://seamark.example.com:4320"
    assert datasource["secureJsonData"] == {"token": "smq_made-up"}
    assert {rule["folderUID"] for rule in grafana.rules.values()} == {"seamark-alerts"}
    assert set(grafana.intervals.values()) == {30, 60, 300}
    assert grafana.points["seamark-slack"]["settings"] == {"url": SECRET}
    assert set(grafana.points) == {"seamark-slack"}

    before = grafana.standing()
    grafana.asked.clear()
    second = done(push(grafana_url, **slack))
    assert "nothing to do" in second
    assert grafana.written() == []
    assert grafana.standing() == before
    assert push(grafana_url, "--dry-run", **slack).returncode == 0
    assert not any("policies" in path for _, path in grafana.asked)
    for said in (first, second):
        assert SECRET not in said
        assert "smq_made-up" not in said
        assert TOKEN not in said


def test_a_push_waits_for_alerting_in_a_fresh_organization(
    grafana_url: str, grafana: State
) -> None:
    grafana.alerting_after = 2
    said = done(push(grafana_url, SEAMARK_ALERT_SLACK_URL=SECRET, SEAMARK_GRAFANA_ORG="acme"))
    assert "waiting for Grafana to set up alerting in this organization" in said
    assert set(grafana.points) == {"seamark-slack"}
    assert {rule["labels"]["org"] for rule in grafana.rules.values()} == {"acme"}


def test_a_dry_run_shows_differences_and_changes_nothing(grafana_url: str, grafana: State) -> None:
    result = push(grafana_url, "--dry-run")
    assert result.returncode == 2, result.stderr
    assert grafana.written() == []
    done(push(grafana_url))
    grafana.rules[a_rule(grafana)]["for"] = "1h"
    result = push(grafana_url, "--dry-run")
    assert result.returncode == 2
    assert "-for: 1h" in result.stdout
    assert "1 to update" in result.stdout
    before = grafana.standing()
    assert push(grafana_url, "--dry-run").returncode == 2
    assert grafana.standing() == before
    assert "1 updated" in done(push(grafana_url))


def test_what_is_no_longer_ours_goes_and_what_is_not_ours_stays(
    grafana_url: str, grafana: State
) -> None:
    done(push(grafana_url))
    board: dict[str, Any] = {"title": "Old", "tags": ["seamark", "managed-by-seamark"]}
    grafana.save_dashboard(
        board | {"uid": "seamark-old"}, "seamark", "seamark grafana push 0", "sa"
    )
    grafana.save_dashboard(board | {"uid": "abc", "title": "A copy"}, "seamark", "", "ann")
    grafana.save_dashboard(
        {"uid": "seamark-mine", "title": "Mine", "tags": ["seamark"]}, "seamark", "", "ann"
    )
    uid = a_rule(grafana)
    rule = grafana.rules[uid]
    grafana.rules["seamark-gone"] = {**rule, "uid": "seamark-gone", "title": "Gone"}
    grafana.rules["copied"] = {**rule, "uid": "copied", "title": "Copied", "ruleGroup": "theirs"}
    grafana.intervals["seamark-alerts", "theirs"] = 60
    grafana.points["theirs"] = {"uid": "theirs", "name": "Theirs", "type": "email", "settings": {}}
    before = grafana.standing()
    said = done(push(grafana_url))
    assert "2 deleted" in said
    after = grafana.standing()
    del before["dashboards"]["seamark-old"], before["rules"]["seamark-gone"]
    assert after == before


def test_a_dashboard_that_was_moved_is_updated_where_it_is(
    grafana_url: str, grafana: State
) -> None:
    done(push(grafana_url))
    grafana.dashboards["seamark-ledger"]["meta"]["folderUid"] = "elsewhere"
    grafana.folders["elsewhere"] = {"id": 9, "uid": "elsewhere", "title": "Elsewhere", "version": 1}
    grafana.history["seamark-ledger"][-1]["message"] = "seamark grafana push 0123456789abcdef"
    grafana.dashboards["seamark-ledger"]["dashboard"]["title"] = "Before an upgrade"
    assert "1 updated" in done(push(grafana_url))
    assert grafana.dashboards["seamark-ledger"]["meta"]["folderUid"] == "elsewhere"


def test_a_datasource_that_is_there_can_be_used_as_it_is(grafana_url: str, grafana: State) -> None:
    grafana.datasources["mine"] = {
        "uid": "mine",
        "name": "Seamark",
        "type": "seamark-datasource",
        "readOnly": True,
        "secureJsonData": {},
    }
    own = {"SEAMARK_GRAFANA_DATASOURCE_TOKEN": ""}
    refused = push(grafana_url)
    assert "To use it as it is, say --datasource mine" in refused.stderr
    before = dict(grafana.datasources["mine"])
    done(push(grafana_url, "--datasource", "mine", **own))
    assert grafana.datasources == {"mine": before}
    asked = {
        step["datasourceUid"]
        for rule in grafana.rules.values()
        for step in rule["data"]
        if step["datasourceUid"] != "__expr__"
    }
    assert asked == {"mine"}
    wrong = push(grafana_url, "--datasource", "none", **own)
    assert "no datasource with that uid" in wrong.stderr


def test_a_new_token_or_address_is_sent_and_none_keeps_the_old(
    grafana_url: str, grafana: State
) -> None:
    done(push(grafana_url))
    said = done(push(grafana_url, SEAMARK_GRAFANA_DATASOURCE_TOKEN="smq_newer"))
    assert "1 updated" in said
    assert "smq_newer" not in said
    none = {"SEAMARK_GRAFANA_DATASOURCE_TOKEN": "", "SEAMARK_GRAFANA_API_URL": ""}
    assert "nothing to do" in done(push(grafana_url, **none))
    assert grafana.datasources["seamark"]["secureJsonData"] == {"token": "smq_newer"}
    assert grafana.datasources["seamark"]["url"] == "http://seamark.example.com:4320"


def test_secrets_that_grafana_does_not_show_are_sent_again_when_asked(
    grafana_url: str, grafana: State
) -> None:
    done(push(grafana_url, SEAMARK_ALERT_SLACK_URL=SECRET))
    unseen = done(push(grafana_url, SEAMARK_ALERT_SLACK_URL=f"{SECRET}2"))
    assert "nothing to do" in unseen
    assert "Grafana does not show its url, so it was not compared" in unseen
    said = done(push(grafana_url, "--renew-secrets", SEAMARK_ALERT_SLACK_URL=f"{SECRET}2"))
    assert "its secrets are sent again" in said
    assert grafana.points["seamark-slack"]["settings"] == {"url": f"{SECRET}2"}


def test_the_main_environment_has_no_grafana_client_and_its_own_urllib3() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=freeze"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout.lower()
    assert "\nurllib3==" in said
    assert "urllib3-future" not in said
    assert "grafana-client" not in said
