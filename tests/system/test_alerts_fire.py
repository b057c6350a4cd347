"""Each alert rule against a real stack, on data that must and data that must not fire it.

The rule is the committed one: its questions go to the API as the plugin sends them, and its
expressions are evaluated as Grafana does. Made data is sent through the collector, at times of its
own (what happened hours ago is taken as late data), and a rule is evaluated as of such a time.
"""

import copy
import json
import os
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.alert_evaluator import RULES, Outcome, evaluate
from tests.support.grafana_asking import Api
from tests.support.until import until
from tests.system.stack import SEAMARK, Stack

pytestmark = [pytest.mark.system, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
MINUTE, HOUR = 60_000, 3_600_000
NOW = time.time_ns() // 1_000_000 // MINUTE * MINUTE
Event = dict[str, Any]


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


def send(stack: Stack, events: Iterable[Event]) -> int:
    """Through the native ingest, in batches; how many were accepted."""
    whole, accepted = list(events), 0
    for start in range(0, len(whole), 400):
        body = {"appId": "demo", "sentAt": int(time.time() * 1000)}
        accepted += post(
            stack, "/v1/ingest/batch", {**body, "events": whole[start : start + 400]}
        ).get("accepted", 0)
    return accepted


def post(stack: Stack, path: str, body: object) -> dict[str, Any]:
    request = urllib.request.Request(
        stack.urls.ingest + path,
        data=json.dumps(body).encode(),
        headers={
            "X-API-Key": stack.credentials["ingest_key"],
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def spread(
    name: str,
    count: int,
    span: tuple[int, int],
    *,
    value: float | None = None,
    attrs: Mapping[str, str] | None = None,
) -> Iterator[Event]:
    """So many events, evenly between two times."""
    for number in range(count):
        at_ms = span[0] + (span[1] - span[0]) * number // count
        event: Event = {"name": name, "ts": at_ms, "attrs": attrs or {}}
        yield event if value is None else {**event, "value": value}


def near(found: Outcome, step: str, value: float) -> bool:
    """Whether a step has one number, and that."""
    return list(found.values[step].values()) == [pytest.approx(value, abs=1.5)]


def counted(found: Outcome, step: str, count: float) -> bool:
    """Whether a step has one number, and nearly that: windows are cut within a minute."""
    return list(found.values[step].values()) == [pytest.approx(count, rel=0.07)]


def stored(api: Api) -> int:
    """Rows in the store so far."""
    now = int(time.time() * 1000)
    answer = api.ask({"queryType": "ledger", "request": {"step": "1h"}}, now - HOUR, now)
    return int(answer["totals"]["stored"])


def send_and_wait(stack: Stack, api: Api, events: Iterable[Event]) -> None:
    before = stored(api)
    wait_for(api, before + send(stack, events))


def wait_for(api: Api, rows: int) -> None:
    """Wait for rows in the store; rollups follow a moment later."""
    until(lambda: stored(api), lambda found: found >= rows)


def spans(service: str, good: int, bad: int, at_ms: int) -> dict[str, Any]:
    """An OTLP request of server spans, all in one minute."""
    made = [
        {
            "traceId": os.urandom(16).hex(),
            "spanId": os.urandom(8).hex(),
            "name": "GET /",
            "kind": 2,
            "startTimeUnixNano": str(at_ms * 1_000_000),
            "endTimeUnixNano": str((at_ms + 20) * 1_000_000),
            "status": {"code": 2} if number < bad else {},
        }
        for number in range(good + bad)
    ]
    name = {"key": "service.name", "value": {"stringValue": service}}
    return {
        "resourceSpans": [{"resource": {"attributes": [name]}, "scopeSpans": [{"spans": made}]}]
    }


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
    for at, errors, firing in ((bad, 30, [{"app": "demo"}]), (good, 9, [])):
        outcome = until(
            lambda at=at: evaluate(rule, api, now_ms=at),  # type: ignore[misc]
            lambda found, errors=errors: near(found, "E", 300) and near(found, "D", errors),  # type: ignore[misc]
        )
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
    week = NOW - HOUR - 7 * 24 * HOUR
    events = [
        *spread("page_view", 20 * 65, (changed - 65 * MINUTE, changed)),
        *spread("page_view", 5 * 17, (changed, changed + 17 * MINUTE)),
        # of the two hours around that time the second one
        *spread("page_view", 400, (week + 61 * MINUTE, week + 65 * MINUTE)),
    ]
    send_and_wait(stack, api, events)
    outcome = until(
        lambda: evaluate(rule, api, now_ms=at), lambda found: counted(found, "D", 15 * 5)
    )
    assert 0 < outcome.of("W") <= 400
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


def test_dead_letters_fire_when_they_grow(stack: Stack, api: Api) -> None:
    rule = RULES["dead-letters-growing"]

    def look() -> Outcome:
        return evaluate(rule, api, now_ms=int(time.time() * 1000))

    few, many = 20, 120
    send(stack, ({"name": "order", "ts": NOW, "value": "no number"} for _ in range(few)))
    outcome = until(look, lambda found: few in found.values["B"].values())
    assert not outcome.firing
    send(stack, ({"name": "order", "ts": NOW, "value": "no number"} for _ in range(many)))
    outcome = until(look, lambda found: few + many in found.values["B"].values())
    assert outcome.firing == [{"app": "demo", "signal": "events", "count": "deadLetters"}]


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


def write_ledger(stack: Stack, columns: str, values: str) -> None:
    """A row of the ledger as no part of Seamark should ever write it."""
    asked = urllib.parse.urlencode(
        {"query": f"INSERT INTO seamark.ledger ({columns}) VALUES {values}"}
    )
    request = urllib.request.Request(
        f"{stack.urls.store}/?{asked}",
        data=b"",
        headers={"X-ClickHouse-User": "seamark", "X-ClickHouse-Key": stack.secrets["store"]},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


@pytest.mark.parametrize(
    ("rule", "columns", "right", "wrong", "off"),
    [
        (
            "ledger-out-of-balance",
            "offered, accepted, stored, archived",
            "9, 9, 9, 9",
            "9, 9, 7, 7",
            2,
        ),
        (
            "ledger-out-of-balance",
            "offered, accepted, stored, archived, limited",
            "9, 8, 8, 8, 1",
            "9, 8, 8, 8, 0",
            1,
        ),
        (
            "insert-failures",
            "offered, accepted, stored, dead_lettered",
            "3, 3, 3, 0",
            "3, 3, 0, 3",
            3,
        ),
    ],
)
def test_a_ledger_out_of_balance_fire(
    stack: Stack, api: Api, rule: str, columns: str, right: str, wrong: str, off: int
) -> None:
    app = f"{rule}-{off}"
    names = f"org, app, signal, minute, key_id, requests, {columns}"
    ago = f"toStartOfMinute(now('UTC')) - INTERVAL {20 + off} MINUTE"

    def look() -> Outcome:
        return evaluate(RULES[rule], api, now_ms=int(time.time() * 1000))

    write_ledger(stack, names, f"('demo', '{app}-fine', 'events', {ago}, 'k', 1, {right})")
    write_ledger(stack, names, f"('demo', '{app}', 'events', {ago}, 'k', 1, {wrong})")
    outcome = until(look, lambda found: f"{app}" in str(found.firing))
    firing = {labels["app"] for labels in outcome.firing}
    assert app in firing
    assert f"{app}-fine" not in firing
    assert "demo" not in firing
    assert outcome.of("B", app=app) == off


def test_a_source_that_fell_silent_fires_alone(stack: Stack, api: Api) -> None:
    """Minutes of the ledger, written as if they had been received."""
    minutes = {
        "fell-silent": range(18, 76),
        "still-sends": range(1, 76),
        "sends-seldom": range(18, 76, 5),
        "silent-for-long": range(60, 120),
    }
    for app, ago in minutes.items():
        rows = ", ".join(
            f"('demo', '{app}', 'logs', toStartOfMinute(now('UTC')) - INTERVAL {n} MINUTE, "
            "'k', 1, 5, 5, 5, 5)"
            for n in ago
        )
        names = "org, app, signal, minute, key_id, requests, offered, accepted, stored, archived"
        write_ledger(stack, names, rows)

    def look(at_ms: int) -> Outcome:
        return evaluate(RULES["source-silent"], api, now_ms=at_ms)

    def ours(found: Outcome) -> set[str]:
        return {labels["app"] for labels in found.firing} & minutes.keys()

    now = int(time.time() * 1000)
    outcome = until(lambda: look(now), lambda found: "still-sends" in str(found.values["G"]))
    assert ours(outcome) == {"fell-silent"}
    assert outcome.of("F", app="fell-silent") == 0
    assert outcome.of("G", app="fell-silent") == pytest.approx(58, abs=2)
    assert outcome.of("F", app="still-sends") == pytest.approx(15, abs=1)
    assert "fell-silent" not in ours(look(now - 30 * MINUTE)), "it still sent then"


def test_an_api_that_answers_is_no_alert(api: Api) -> None:
    rule = RULES["api-away"]
    outcome = until(
        lambda: evaluate(rule, api, now_ms=int(time.time() * 1000)),
        lambda found: len(found.values["B"]) == 2,
    )
    assert not outcome.firing
    assert not outcome.no_data


def test_a_store_that_is_behind_fires_until_it_has_caught_up(stack: Stack, api: Api) -> None:
    """The processor is stopped, not killed; the limit is little more than a minute here, not ten.

    The archive writes seldom, and may be as far behind at any time.
    """
    rule = copy.deepcopy(RULES["log-lag"])
    assert rule["data"][-1]["model"]["conditions"][0]["evaluator"]["params"] == [600]
    rule["data"][-1]["model"]["conditions"][0]["evaluator"]["params"] = [75]

    def look() -> Outcome:
        return evaluate(rule, api, now_ms=int(time.time() * 1000))

    def fires(found: Outcome) -> bool:
        return {"sink": "store", "count": "behind"} in found.firing

    assert not fires(until(look, lambda found: not fires(found)))
    pid = stack.pids["rows"]
    os.kill(pid, signal.SIGSTOP)
    try:
        send(stack, [{"name": "waits", "ts": int(time.time() * 1000)}])
        assert until(look, fires).of("B", sink="store") > 75
    finally:
        os.kill(pid, signal.SIGCONT)
    assert until(look, lambda found: not fires(found)).of("B", sink="store") < 75
