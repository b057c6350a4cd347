"""The web SDK's calls, its snippet and its exporter for OpenTelemetry, in a real Chromium."""

import json
from collections.abc import Iterator

import pytest

from seamark.wire.signals import Signal
from tests.support.collector_process import KEY, CollectorProcess, stored
from tests.support.servers import NatsServer
from tests.support.web_browser import WebBrowser
from tests.support.web_shop import HEAD, Shop, attributes
from tests.support.web_site import WEB, Site


@pytest.fixture
def shop(browser: WebBrowser, collector: CollectorProcess, log: NatsServer) -> Iterator[Shop]:
    with Site() as site:
        yield Shop(browser, site, collector.port, log)


def test_an_event_has_context_and_user_and_the_console_stays_empty(shop: Shop) -> None:
    tab = shop.open("/shop", "hook")
    tab.run(
        "seamark.setContext({tenant: 'gold'}); seamark.identify('Ann@Shop.Example');"
        "seamark.track('bought', {plan: 'gold'}, 19.9, 'EUR')"
    )
    (bought,) = shop.events("hook", "bought")
    assert attributes(bought)["tenant"] == "gold"
    assert bought["value"] == 19.9
    assert len(bought["userAnonId"]) == 64
    assert bought["device"]["lang"]
    assert tab.complaints == []


def test_flush_waits_for_events_that_wait_for_the_hash_of_their_user(shop: Shop) -> None:
    tab = shop.open("/shop", "hash", entry="core", persistence="memory")
    tab.run(
        "const digest = crypto.subtle.digest.bind(crypto.subtle);"  # as on a slow device
        "crypto.subtle.digest = (...told) => new Promise((done) => setTimeout(done, 100))"
        ".then(() => digest(...told)); seamark.track('first'); seamark.flush()"
    )
    tracked = tab.run(
        "seamark.identify('Ann'); seamark.track('held');"
        "seamark.flush().then(() => seamark.stats().tracked)"
    )
    assert tracked == 3  # session.start, first, held
    (held,) = shop.events("hash", "held")
    assert len(held["userAnonId"]) == 64


def test_a_known_user_is_known_again_once_consent_is_given(browser: WebBrowser) -> None:
    context = browser.context()
    options = json.dumps({"key": KEY, "endpoint": "http://127.0.0.1:9", "consent": "pending"})
    start = (
        "import('/dist/core.js').then(({init}) => { globalThis.users = [];"
        f" globalThis.seamark = init({{...{options}, beforeSend: (event) =>"
        " { users.push(event.userAnonId ?? null); return null }}) })"
    )
    with Site() as site:
        for page in range(2):
            tab = context.tab(f"{site.url}/")
            tab.run(start)
            tab.run("seamark.track('first')")
            assert tab.run("users") == [None, None]  # session.start and the event
            if page == 0:
                tab.run("seamark.identify('ann', {raw: true})")
            tab.run("seamark.setConsent('granted'); seamark.track('later')")
            assert tab.run("users.at(-1)") == "ann"


def test_the_snippet_keeps_calls_and_errors_until_the_script_is_there(
    browser: WebBrowser, collector: CollectorProcess, log: NatsServer, shop: Shop
) -> None:
    snippet = (WEB / "dist" / "snippet.html").read_text()
    told = {
        "key": KEY,
        "endpoint": f"http://127.0.0.1:{collector.port}",
        "release": "snippet",
        "batch": {"intervalMs": 200},
    }
    snippet = snippet.replace('{key:"KEY",endpoint:"ENDPOINT"}', json.dumps(told))
    snippet = snippet.replace('"/seamark.iife.js"', '"/dist/seamark.iife.js"')
    early = "<script>seamark.track('early', {n: 1}); throw new TypeError('too early')</script>"
    with Site({"/shop": f"{HEAD}{snippet}{early}</head><body></body></html>"}) as site:
        tab = browser.context().tab(f"{site.url}/shop")
        tab.until("typeof seamark.stats === 'function'")
        tab.run("seamark.track('late')")
        assert attributes(shop.events("snippet", "early")[0])["n"] == 1
        assert len(shop.events("snippet", "late")) == 1
        (error,) = shop.events("snippet", "exception")
    assert attributes(error)["exception.message"] == "too early"


def test_spans_and_log_records_of_opentelemetry_arrive_by_the_same_way(
    shop: Shop, log: NatsServer
) -> None:
    tab = shop.open("/shop", "otel")
    tab.run(
        "import('/dist/otel.js').then(({SeamarkSpanExporter, SeamarkLogProcessor}) => {"
        " const context = {traceId: '0af7651916cd43dd8448eb211c80319c',"
        "  spanId: 'b7ad6b7169203331', traceFlags: 1};"
        " const resource = {attributes: {'service.name': 'shop'}};"
        " const time = [Math.floor(Date.now() / 1000), 5];"
        " new SeamarkSpanExporter(seamark).export([{name: 'checkout', kind: 0, resource,"
        "  spanContext: () => context, startTime: time, endTime: time, status: {code: 0},"
        "  attributes: {plan: 'gold', n: 3}, events: [], links: [],"
        "  instrumentationScope: {name: 'app'}}], () => {});"
        " new SeamarkLogProcessor(seamark).onEmit({hrTime: time, body: 'hello', attributes: {},"
        "  severityNumber: 9, resource, instrumentationScope: {name: 'app'}}) })"
    )
    assert tab.run("seamark.flush()")
    assert tab.run("seamark.stats().rejected") == 0
    for signal in (Signal.TRACES, Signal.LOGS):
        assert [one.outcome["accepted"] for one in stored(log, signal).values()] == [1]
