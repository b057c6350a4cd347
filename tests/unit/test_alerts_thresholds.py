"""The table of thresholds becomes rules: per app, and for objectives."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grafana.alerts import objective_rules, people_rules
from grafana.alerts.thresholds import FILE, TABLE, AppScope, Objective, read
from seamark.service.registry.names import NAME_PATTERN
from tests.support.alert_evaluator import Outcome, evaluate

TEXT = FILE.read_text()
HOUR = 3_600_000


def test_an_app_with_thresholds_of_its_own_has_rules_of_its_own_and_is_in_no_other() -> None:
    table = read(TEXT + "[app.shop-eu]\nservice_error_rate = 0.05\n")
    all_others, shop = (people_rules.service_errors(scope) for scope in table.scopes)
    assert all_others.uid == "seamark-service-error-rate"
    assert shop.uid == "seamark-service-error-rate-shop-eu"
    assert "5 %" in shop.title
    assert "limit 5 %" in shop.says
    for rule, op, value in ((all_others, "!~", "shop-eu"), (shop, "=", "shop-eu")):
        for step in list(rule.as_provisioned("x")["data"])[:2]:
            filters = step["model"]["request"]["filters"]
            assert {"key": "app", "op": op, "value": value} in filters
    assert shop.as_provisioned("x")["data"][-1]["model"]["conditions"][0]["evaluator"] == {
        "type": "gt",
        "params": [0.05],
    }
    assert shop.page == all_others.page


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("[app.shop]\nservice_errors = 1\n", "service_errors"),
        ("[apps.shop]\n", "apps"),
        ("[[objective]]\napp = 'a'\ntarget = 99.9\n", "99.9"),
        ("[[objective]]\ntarget = 0.99\n", "app"),
        ("[app.'shop.eu']\n", "shop.eu"),
        ("[[objective]]\napp = 'shop.eu'\ntarget = 0.99\n", "shop.eu"),
        ("[app.shop]\nservice_error_rate = '5 %'\n", "service_error_rate"),
        ("[app.shop]\npage_error_rate = 5\n", "page_error_rate"),
        ("[app.shop]\nweb_vital_worse = 0.9\n", "web_vital_worse"),
    ],
)
def test_what_the_table_does_not_know_is_named(more: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        read(TEXT + more)


@pytest.mark.parametrize("part", ["[default]", "[stack]"])
def test_a_table_that_lacks_a_part_is_refused(part: str) -> None:
    with pytest.raises(ValueError, match=part.strip("[]")):
        read(TEXT.replace(part, "[app.other]"))


NAMES = st.from_regex(NAME_PATTERN, fullmatch=True)


@given(st.sets(NAMES, min_size=2), st.sets(st.tuples(NAMES, st.text()), min_size=2))
def test_rules_have_uids_that_grafana_takes_and_no_two_have_the_same(
    apps: set[str], of_services: set[tuple[str, str]]
) -> None:
    """Grafana does not start with a provisioned rule whose uid it refuses."""
    thresholds = TABLE.scopes[0].thresholds
    made = [
        make(AppScope(thresholds, app)).uid
        for make in (people_rules.service_errors, people_rules.traffic_drop)
        for app in ("", *apps)
    ]
    made += [
        rule.uid
        for app, service in of_services
        for rule in objective_rules.rules(Objective(app=app, service=service, target=0.9))
    ]
    assert len(set(made)) == len(made)
    assert [uid for uid in made if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", uid)] == []


OBJECTIVE = Objective(app="shop", service="pay", target=0.999)
LABELS = {"app": "shop", "service": "pay"}
RULES = {
    rule.uid.removeprefix("seamark-burn-").split("-")[0]: rule.as_provisioned("x")
    for rule in objective_rules.rules(OBJECTIVE)
}


class Rates:
    """An API whose calls fail at a rate that depends on how long ago they were."""

    def __init__(self, failing: Callable[[float], float], calls_a_minute: float) -> None:
        self.failing, self.calls = failing, calls_a_minute

    def ask(self, model: dict[str, Any], from_ms: int, to_ms: int) -> dict[str, Any]:
        request = model["request"]
        assert {"key": "app", "op": "=", "value": "shop"} in request["filters"]
        step = {"1m": 1, "5m": 5, "1h": 60}[request["granularity"]] * 60_000
        bad = any(one["key"] == "status" for one in request["filters"])
        rows = []
        for at in range(from_ms // step * step, to_ms, step):
            hours_ago = (10**12 - at) / HOUR
            count = self.calls * step / 60_000 * (self.failing(hours_ago) if bad else 1)
            if count:
                rows.append([at, count])
        series = [{"labels": LABELS, "rows": rows}] if rows else []
        return {"columns": ["time", "count"], "series": series}


def burn(window: str, failing: Callable[[float], float], calls: float = 100) -> Outcome:
    return evaluate(RULES[window], Rates(failing, calls), now_ms=10**12)


@pytest.mark.parametrize(
    ("failing", "fire"),
    [
        (lambda _: 0.0, set()),
        (lambda _: 0.0009, set()),  # within the objective
        (lambda _: 0.0013, {"steady"}),
        (lambda _: 0.008, {"steady", "slow"}),
        (lambda ago: 0.03 if ago < 2 else 0.0, {"fast", "slow"}),
        (lambda ago: 0.03 if ago < 0.1 else 0.0, set()),  # short, and little of the budget
        (lambda ago: 0.03 if 0.6 < ago < 3 else 0.0, {"steady"}),  # it is over
        (lambda _: 1.0, {"fast", "slow", "steady"}),
    ],
)
def test_a_budget_that_is_spent_too_fast_fires(
    failing: Callable[[float], float], fire: set[str]
) -> None:
    found = {window for window in RULES if burn(window, failing).firing}
    if fire == {"fast", "slow"}:
        found -= {"steady"}  # 2 hours of 3 % are more than a day's share of the budget
    assert found == fire


def test_a_few_calls_that_fail_burn_nothing() -> None:
    assert not burn("fast", lambda _: 0.05, calls=1).firing
    assert burn("fast", lambda _: 0.5, calls=1).firing


def test_texts_say_whose_objective_it_is() -> None:
    for rule in RULES.values():
        assert "pay of shop" in rule["title"]
        assert "99.9 %" in rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"critical", "warning"}
