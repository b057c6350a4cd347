"""Parts of the collector that need no server: failures, CORS, answers, the promise, settings."""

import re

import pytest

from collector import metrics
from collector.http.budget import Budget
from collector.http.cors import answer_headers, preflight_headers
from collector.http.exchange import render
from collector.http.failures import failure_reply
from collector.ingest.durability import problem_in
from collector.settings import CollectorSettings, verify
from seamark.service.settings import SettingsError
from seamark.wire.envelope import Outcome
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal


def test_a_rejection_says_what_and_where() -> None:
    reply = failure_reply(Rejected(Reason.WRONG_APP, "it is another", field="appId"))

    assert reply.status == 403
    assert reply.body == (
        b'{"error":{"reason":"app_mismatch","message":"it is another","field":"appId"}}'
    )
    assert reply.headers == {}


@pytest.mark.parametrize(("reason", "status"), [(Reason.UNAVAILABLE, 503), (Reason.LIMITED, 429)])
def test_what_may_be_sent_again_has_a_retry_delay(reason: Reason, status: int) -> None:
    reply = failure_reply(Unavailable("later", retry_after=1.2, reason=reason))

    assert reply.status == status
    assert reply.headers == {"Retry-After": "2"}
    assert reply.body.endswith(b',"nextRetryAfterMs":1200}')


@pytest.mark.parametrize("origin", ["", "https://é.example", "x" * 600, "a\nb"])
def test_what_is_no_origin_is_not_echoed(origin: str) -> None:
    assert answer_headers(origin) == {}


def test_preflights_are_kept_for_two_hours_and_take_any_header() -> None:
    asked = {"origin": "https://a.example", "access-control-request-headers": "x-custom, a"}
    allowed = preflight_headers(asked, "POST, OPTIONS")

    assert allowed["Access-Control-Max-Age"] == "7200"
    assert allowed["Access-Control-Allow-Headers"] == "x-custom, a"
    assert allowed["Access-Control-Allow-Origin"] == "https://a.example"
    assert allowed["Access-Control-Allow-Credentials"] == "true"
    assert "Cache-Control" not in allowed


@pytest.mark.parametrize("headers", ["", "a: b", "a,,b", "x" * 600])
def test_odd_header_lists_are_not_echoed(headers: str) -> None:
    asked = {"origin": "https://a.example", "access-control-request-headers": headers}

    assert "x-api-key" in preflight_headers(asked, "POST")["Access-Control-Allow-Headers"]


def test_an_answer_on_the_wire() -> None:
    data = render(
        202, b"{}", content_type="application/json", headers={"X-A": "b"}, keep_alive=True
    )

    assert re.fullmatch(
        rb"HTTP/1\.1 202 Accepted\r\nDate: [^\r]+ GMT\r\nContent-Type: application/json\r\n"
        rb"Content-Length: 2\r\nX-A: b\r\n\r\n\{\}",
        data,
    )


def test_answers_without_a_body_and_of_the_end() -> None:
    head = render(
        200, b"{}", content_type="a/b", headers={}, keep_alive=True, old=True, head_only=True
    )
    empty = render(204, b"", content_type="", headers={}, keep_alive=False)

    assert head.endswith(b"Content-Length: 2\r\nConnection: keep-alive\r\n\r\n")
    assert b"Content-Length" not in empty
    assert empty.endswith(b"Connection: close\r\n\r\n")


@pytest.mark.parametrize(
    ("varz", "problem"),
    [
        (b'{"jetstream":{"config":{"sync_always":true,"max_memory":1}},"x":1}', ""),
        (b'{"jetstream":{"config":{"sync_interval":120000000000}}}', "does not sync"),
        (b'{"jetstream":{"config":{"sync_always":false}}}', "does not sync"),
        (b'{"jetstream":{}}', "without JetStream"),
        (b"{}", "without JetStream"),
        (b"<html>", "does not answer like a NATS server"),
        (b'"\xff"', "does not answer like a NATS server"),
    ],
)
def test_the_log_syncs_before_it_acknowledges(varz: bytes, problem: str) -> None:
    found = problem_in(varz)

    assert problem in found
    assert bool(found) == bool(problem)


def test_a_budget_is_given_back() -> None:
    budget = Budget(100)
    first, second = budget.share(), budget.share()
    first.take(60)
    with pytest.raises(Unavailable):
        second.take(41)
    second.take(40)
    first.give_back()
    second.take(60)
    second.give_back()
    second.give_back()

    assert budget.held == 0


def test_items_add_up() -> None:
    def counts() -> dict[str, float]:
        found = {}
        for line in metrics.page().decode().splitlines():
            if 'signal="logs"' in line:
                name, _, value = line.rpartition(" ")
                found[name] = float(value)
        return found

    before = counts()
    metrics.taken(Signal.LOGS, Outcome(5, 3, {"invalid_name": 2}))
    for failure in (Unavailable("it is away"), Rejected(Reason.ID_REUSED, "it was used")):
        failure.items = 4
        metrics.not_taken(Signal.LOGS, failure)
    metrics.not_taken(Signal.LOGS, Rejected(Reason.MALFORMED, "its items are unknown"))
    after = counts()
    grown = {name: after[name] - before.get(name, 0.0) for name in after}

    assert grown == {
        'seamark_collector_items_offered_total{signal="logs"}': 13.0,
        'seamark_collector_items_accepted_total{signal="logs"}': 3.0,
        'seamark_collector_items_refused_total{signal="logs"}': 4.0,
        'seamark_collector_items_rejected_total{reason="invalid_name",signal="logs"}': 2.0,
        'seamark_collector_items_rejected_total{reason="id_reused",signal="logs"}': 4.0,
    }


def test_every_own_metric_is_explained() -> None:
    text = metrics.page().decode()
    declared = re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE)

    assert declared
    for name in declared:
        assert re.search(rf"^# HELP {name} .+\.$", text, re.MULTILINE), name


def test_settings_that_cannot_work_are_reported_together() -> None:
    settings = CollectorSettings(trusted_proxies="here", tls_cert="/nowhere", tls_key="/nowhere")
    with pytest.raises(SettingsError) as found:
        verify(settings)

    assert "TRUSTED_PROXIES" in str(found.value)
    assert "there is no file /nowhere" in str(found.value)
    assert verify(CollectorSettings()) is None
