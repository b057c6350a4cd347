"""Rules about the pipeline against a real stack: dead letters, ledger, silence, lag, the API.

Minutes of the ledger that Seamark itself does not make are written into the store.
"""

import copy
import os
import signal
import time

import pytest

from tests.support.alert_evaluator import RULES, Outcome, evaluate
from tests.support.grafana_asking import Api
from tests.support.until import until
from tests.system.alert_data import send, write_ledger
from tests.system.stack import Stack

pytestmark = [pytest.mark.system, pytest.mark.slow]
MINUTE = 60_000


def now() -> int:
    return int(time.time() * 1000)


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    token = stack.credentials["query_token"]
    return Api(stack.urls.api, token, fresh=True)


@pytest.fixture(scope="module")
def stack(stack_of_its_own: Stack) -> Stack:
    return stack_of_its_own


def test_dead_letters_fire_when_they_grow(stack: Stack, api: Api) -> None:
    rule = RULES["dead-letters-growing"]

    def look() -> Outcome:
        return evaluate(rule, api, now_ms=now())

    few, many = 20, 120
    send(stack, ({"name": "order", "ts": now(), "value": "no number"} for _ in range(few)))
    outcome = until(look, lambda found: few in found.values["B"].values())
    assert not outcome.firing
    send(stack, ({"name": "order", "ts": now(), "value": "no number"} for _ in range(many)))
    outcome = until(look, lambda found: few + many in found.values["B"].values())
    assert outcome.firing == [{"app": "demo", "signal": "events", "count": "deadLetters"}]


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
def test_a_ledger_out_of_balance_fires(
    stack: Stack, api: Api, rule: str, columns: str, right: str, wrong: str, off: int
) -> None:
    app = f"{rule}-{off}"
    names = f"org, app, signal, minute, key_id, requests, {columns}"
    ago = f"toStartOfMinute(now('UTC')) - INTERVAL {20 + off} MINUTE"

    def look() -> Outcome:
        return evaluate(RULES[rule], api, now_ms=now())

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

    def look(now_ms: int) -> Outcome:
        return evaluate(RULES["source-silent"], api, now_ms=now_ms)

    def ours(found: Outcome) -> set[str]:
        return {labels["app"] for labels in found.firing} & minutes.keys()

    at_ms = now()
    outcome = until(lambda: look(at_ms), lambda found: "still-sends" in str(found.values["G"]))
    assert ours(outcome) == {"fell-silent"}
    assert outcome.of("F", app="fell-silent") == 0
    assert outcome.of("G", app="fell-silent") == pytest.approx(58, abs=2)
    assert outcome.of("F", app="still-sends") == pytest.approx(15, abs=1)
    assert "fell-silent" not in ours(look(at_ms - 30 * MINUTE)), "it still sent then"


def test_an_api_that_answers_is_no_alert(api: Api) -> None:
    rule = RULES["api-away"]
    outcome = until(
        lambda: evaluate(rule, api, now_ms=now()),
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
        return evaluate(rule, api, now_ms=now())

    def fires(found: Outcome) -> bool:
        return {"sink": "store", "count": "behind"} in found.firing

    assert not fires(until(look, lambda found: not fires(found)))
    pid = stack.pids["rows"]
    os.kill(pid, signal.SIGSTOP)
    try:
        send(stack, [{"name": "waits", "ts": now()}])
        assert until(look, fires).of("B", sink="store") > 75
    finally:
        os.kill(pid, signal.SIGCONT)
    assert until(look, lambda found: not fires(found)).of("B", sink="store") < 75
