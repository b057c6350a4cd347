"""Rules about apps against a real stack, on data that must and data that must not fire them.

The rule is the committed one: its questions go to the API as the plugin sends them, and its
expressions are evaluated as Grafana does. Made data is sent through the collector, at times of its
own (what happened hours ago is taken as late data), and a rule is evaluated as of such a time.
"""

import json
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.support.alert_evaluator import RULES, Outcome, evaluate
from tests.support.grafana_asking import Api
from tests.support.until import until
from tests.system.alert_data import (
    Event,
    counted,
    near,
    post,
    send_and_wait,
    spans,
    spread,
    stored,
    wait_for,
)
from tests.system.stack import SEAMARK, Stack

pytestmark = [pytest.mark.system, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
MINUTE, HOUR = 60_000, 3_600_000
NOW = time.time_ns() // 1_000_000 // MINUTE * MINUTE


@pytest.fixture(scope="module")
def api(stack_of_its_own: Stack) -> Api:
    token = stack_of_its_own.credentials["query_token"]
    return Api(stack_of_its_own.urls.api, token, fresh=True)


@pytest.fixture(scope="module")
def stack(stack_of_its_own: Stack) -> Stack:
    """A stack that takes events of more than a week ago, however long the tests before took."""
    admin = urllib.request.Request(
        f"{stack_of_its_own.urls.api}/v1/admin/apps/demo",
        data=json.dumps({"lateWindowSeconds": 14 * 24 * 3600}).encode(),
        headers={
            "Authorization": f"Bearer {stack_of_its_own.credentials['admin_token']}",
            "Content-Type": "application/json",
        },
        method="PATCH",
    )
    with urllib.request.urlopen(admin, timeout=30) as answer:
        assert json.load(answer)["lateWindowSeconds"] == 14 * 24 * 3600
    return stack_of_its_own


def test_a_service_that_fails_fires_alone(stack: Stack, api: Api) -> None:
    at, rule = NOW - 3 * HOUR, RULES["service-error-rate"]
    before = stored(api)
    for service, good, bad in (
        ("pay", 180, 20),
        ("cart", 199, 1),
        ("chance", 98, 2),
        ("rare", 15, 5),
        ("well", 150, 0),
    ):
        post(stack, "/v1/traces", spans(service, good, bad, at - 5 * MINUTE))
    wait_for(api, before + 200 + 200 + 100 + 20 + 150)
    outcome = until(
        lambda: evaluate(rule, api, now_ms=at),
        lambda found: sorted(found.values["E"].values()) == [20, 100, 150, 200, 200],
    )
    assert outcome.firing == [{"app": "demo", "service": "pay"}]
    assert outcome.of("F", service="pay") == pytest.approx(0.1)
    assert outcome.of("G", service="rare") == 0, "too few to tell"
    post(stack, "/v1/traces", spans("pay", 120, 0, at + 20 * MINUTE))
    later = until(
        lambda: evaluate(rule, api, now_ms=at + 25 * MINUTE),
        lambda found: list(found.values["E"].values()) == [120],
    )
    assert not later.firing, "it is over"
    assert later.of("F", service="pay") == 0, "and the message says so"
    assert evaluate(rule, api, now_ms=at - HOUR).no_data


def test_errors_in_pages_fire_from_one_percent(stack: Stack, api: Api) -> None:
    bad, good, rule = NOW - 30 * HOUR, NOW - 33 * HOUR, RULES["page-error-rate"]
    events: list[Event] = []
    for at, errors in ((bad, 30), (good, 9)):
        span = (at - 9 * MINUTE, at - MINUTE)
        events += spread("page_view", 300, span)
        events += spread("exception", errors, span, attrs={"exception.type": "TypeError"})
    send_and_wait(stack, api, events)

    def counted_all(at: int, errors: int) -> Outcome:
        return until(
            lambda: evaluate(rule, api, now_ms=at),
            lambda found: near(found, "E", 300) and near(found, "D", errors),
        )

    for at, errors, firing in ((bad, 30, [{"app": "demo"}]), (good, 9, [])):
        outcome = counted_all(at, errors)
        assert outcome.firing == firing
        assert outcome.of("F") == pytest.approx(errors / 300)
    assert evaluate(rule, api, now_ms=NOW - 36 * HOUR).no_data


@pytest.mark.parametrize(
    ("hours_ago", "before", "then", "fires"),
    [
        (8, 20, 5, True),  # three quarters are missing
        (11, 20, 0, True),  # silence
        (14, 20, 20, False),
        (17, 20, 17, False),  # 15 % fewer
        (20, 3, 0, False),  # too few to tell
    ],
)
def test_traffic_that_drops_fires(
    stack: Stack, api: Api, hours_ago: int, before: int, then: int, fires: bool
) -> None:
    # Not on the minute: Grafana evaluates when it likes.
    at, rule = NOW - hours_ago * HOUR + 23_456, RULES["traffic-drop"]
    changed = NOW - hours_ago * HOUR - 16 * MINUTE
    events = [
        *spread("page_view", before * 65, (changed - 65 * MINUTE, changed)),
        *spread("page_view", then * 17, (changed, changed + 17 * MINUTE)),
    ]
    send_and_wait(stack, api, events)
    outcome = until(
        lambda: evaluate(rule, api, now_ms=at),
        lambda found: counted(found, "E", 60 * before) and counted(found, "D", 15 * then),
    )
    assert bool(outcome.firing) is fires, outcome
    if fires:
        assert outcome.of("F") == pytest.approx(1 - then / before, abs=0.08)


def test_traffic_that_drops_every_week_at_this_time_does_not_fire(stack: Stack, api: Api) -> None:
    at, rule = NOW - HOUR + 23_456, RULES["traffic-drop"]
    changed = NOW - HOUR - 16 * MINUTE
    second = (NOW - 7 * 24 * HOUR) // HOUR * HOUR
    events = [
        *spread("page_view", 20 * 65, (changed - 65 * MINUTE, changed)),
        *spread("page_view", 5 * 17, (changed, changed + 17 * MINUTE)),
        # of the two hours around that time the second one, as the question has them: whole hours
        *spread("page_view", 400, (second, second + 4 * MINUTE)),
    ]
    send_and_wait(stack, api, events)
    outcome = until(
        lambda: evaluate(rule, api, now_ms=at),
        lambda found: counted(found, "D", 15 * 5) and counted(found, "W", 400),
    )
    assert not outcome.firing


def test_no_traffic_at_all_is_no_data(api: Api) -> None:
    assert evaluate(RULES["traffic-drop"], api, now_ms=NOW - 5 * 24 * HOUR).no_data


@pytest.mark.parametrize(("vital", "good"), [("lcp", 2500.0), ("inp", 200.0), ("cls", 0.1)])
def test_a_page_that_became_worse_fires(stack: Stack, api: Api, vital: str, good: float) -> None:
    at, rule = NOW - 40 * HOUR, RULES[f"web-vital-{vital}"]
    events: list[Event] = []
    # Against good, before and now: slower and bad; hardly slower; slower and good; bad as ever.
    for page, before, then in (
        ("/slow", 0.8, 1.28),
        ("/fine", 0.95, 1.05),
        ("/fast", 0.4, 0.8),
        ("/ever", 3.0, 3.0),
    ):
        name = f"web_vital.{vital}"
        # Whole quarters: the question about the last hour begins with one that is cut.
        day = (at - 24 * HOUR, at - HOUR - 15 * MINUTE)
        hour = (at - HOUR, at)
        events += spread(name, 96, day, value=good * before, attrs={"page": page})
        events += spread(name, 24, hour, value=good * then, attrs={"page": page})
    send_and_wait(stack, api, events)
    slow = [{"app": "demo", "page": "/slow"}]
    outcome = until(lambda: evaluate(rule, api, now_ms=at), lambda found: found.firing == slow)
    assert len(outcome.values["E"]) == 4
    assert outcome.of("E", page="/slow") == pytest.approx(1.6, rel=0.03)
    assert outcome.of("N", page="/slow") == 24
    assert not evaluate(rule, api, now_ms=at - 2 * HOUR).firing


@pytest.mark.parametrize("severity", ["warning", "critical"])
def test_the_test_of_alerting_fires_the_rule_of_its_severity(
    stack: Stack, api: Api, severity: str
) -> None:
    said = subprocess.run(
        [*SEAMARK, "alert", "test", "--data", str(stack.data), "--severity", severity],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    assert f"sent      seamark.alert_test.{severity} as demo to {stack.urls.ingest}" in said
    assert "stored    the API counts it after" in said
    for secret in ("ingest_key", "query_token"):
        assert stack.credentials[secret] not in said
    now = int(time.time() * 1000)
    rule = RULES[f"alert-test-{severity}"]
    assert rule["labels"]["severity"] == severity
    assert evaluate(rule, api, now_ms=now).firing == [{"app": "demo"}]
    assert not evaluate(rule, api, now_ms=now + 7 * MINUTE).firing, "it resolves by itself"
