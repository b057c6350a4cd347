"""What the web SDK captures by itself, in a real Chromium, as the collector gets it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.support.collector_process import CollectorProcess
from tests.support.servers import NatsServer
from tests.support.web_browser import Tab, WebBrowser
from tests.support.web_shop import HEAD, Shop, attributes
from tests.support.web_site import Site

SHOP = f"""{HEAD}</head><body>
<h1>Shop</h1>
<button id="buy" data-feature-id="buy"><span>Buy</span></button>
<button id="plain">Plain</button>
<input id="text">
<div data-seamark-ignore><button id="quiet">Quiet</button></div>
</body></html>"""
VITALS = f"""{HEAD}<script type="module">
import {{ onLCP, onINP, onCLS, onTTFB, onFCP }} from '/node_modules/web-vitals/dist/web-vitals.js';
globalThis.told = {{}};
const keep = ({{ name, value }}) => {{ told[name.toLowerCase()] = value }};
[onLCP, onCLS, onTTFB, onFCP].forEach((on) => on(keep));
onINP(keep, {{ reportAllChanges: true }}); // else it tells no INP of a page that is said to hide
</script></head><body>
<div id="room"></div><h1 style="font-size:60px">What a large headline</h1><p>Text below it</p>
<button id="slow" style="position:fixed;bottom:0;right:0">Slow</button>
<script>
document.getElementById('slow').onclick = () => {{
  const until = performance.now() + 120; while (performance.now() < until); }};
</script></body></html>"""

HIDE = """
for (const [name, value] of [["hidden", true], ["visibilityState", "hidden"]]) {
  Object.defineProperty(document, name, {get: () => value, configurable: true});
}
document.dispatchEvent(new Event("visibilitychange", {bubbles: true}));
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site({"/shop": SHOP, "/vitals": VITALS}) as running:
        yield running


@pytest.fixture
def shop(browser: WebBrowser, site: Site, collector: CollectorProcess, log: NatsServer) -> Shop:
    return Shop(browser, site, collector.port, log)


def click(tab: Tab, element: str, times: int = 1) -> None:
    """As a person does, with the mouse."""
    place = tab.run(
        f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
        f"(document.querySelector({json.dumps(element)}).getBoundingClientRect())"
    )
    for number in range(times):
        for kind in ("mousePressed", "mouseReleased"):
            tab.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=place[0],
                y=place[1],
                button="left",
                clickCount=number + 1,
            )


def sorted_pages(events: Sequence[Mapping[str, Any]]) -> list[Any]:
    return [attributes(event)["page"] for event in sorted(events, key=lambda event: event["ts"])]


def test_each_route_of_the_app_is_one_page_view(shop: Shop, site: Site) -> None:
    tab = shop.open("/shop", "routes")
    for change in (
        "history.pushState(null, '', '/cart?token=secret&page=2')",
        "history.replaceState(null, '', '/cart?page=3')",  # the same route
        "history.pushState(null, '', '/orders/ann@shop.example#top')",
        "history.back()",
    ):
        tab.run(f"{change}; new Promise((done) => setTimeout(done, 100))")

    views = shop.events("routes", "page_view", 4)
    assert sorted_pages(views) == ["/shop", "/cart", "/orders/[email]", "/cart"]
    urls = [attributes(event)["url.full"] for event in sorted(views, key=lambda one: one["ts"])]
    assert urls[1] == f"{site.url}/cart?token=REDACTED&page=2"
    assert [event["name"] for event in shop.events("routes", "session.start")] == ["session.start"]


def test_errors_that_nothing_catches_are_sent_with_stack_and_fingerprint(shop: Shop) -> None:
    tab = shop.open("/shop", "errors")
    tab.run(
        "setTimeout(() => { throw new TypeError('no ann@shop.example here') });"
        "Promise.reject(new RangeError('17 is too many'));"
        "for (let n = 0; n < 9; n++) setTimeout(() => seamark.captureError(new Error('again')))"
    )
    found = shop.events("errors", "exception", 7)
    told = {
        (attributes(one)["exception.type"], attributes(one)["exception.message"]) for one in found
    }
    assert told == {
        ("TypeError", "no [email] here"),
        ("RangeError", "17 is too many"),
        ("Error", "again"),
    }
    assert len(found) == 7
    assert tab.run("seamark.stats().dropped") == {"repeated": 4}
    for one in found:
        assert len(attributes(one)["error.fingerprint"]) == 16
        assert "at " in attributes(one)["exception.stacktrace"]


def test_a_click_names_its_element_and_four_at_once_are_a_rage_click(shop: Shop) -> None:
    tab = shop.open("/shop", "clicks")
    click(tab, "#buy span")
    click(tab, "#quiet")
    for element in ("#text", "#plain"):  # at once, whatever a busy machine takes for a click
        tab.run(
            "for (let n = 0; n < 4; n++) {"
            f" const told = {{bubbles: true, composed: true, clientX: 5, clientY: n}};"
            f" document.querySelector('{element}').dispatchEvent(new MouseEvent('click', told)) }}"
        )

    (feature,) = shop.events("clicks", "feature_click")
    assert attributes(feature)["feature_id"] == "buy"
    assert attributes(feature)["page"] == "/shop"
    rage = shop.events("clicks", "rage_click")
    assert [attributes(one)["element.id"] for one in rage] == ["plain"]
    plain = shop.events("clicks", "click", 4)
    assert {attributes(one)["element.id"] for one in plain} == {"plain"}


def test_each_request_is_an_event_and_only_allowed_targets_get_a_traceparent(
    shop: Shop, site: Site
) -> None:
    with Site() as foreign:
        tab = shop.open("/shop", "requests")
        tab.run(
            "fetch('/api/orders?token=x', {headers: {'x-own': '1'}}).then((r) => r.text())"
            ".then(() => fetch(new Request('/missing', {method: 'HEAD'})).catch(() => 0))"
            f".then(() => fetch('{foreign.url}/third').catch(() => 0))"
            ".then(() => new Promise((done) => { const request = new XMLHttpRequest();"
            " request.open('GET', '/api/xhr'); request.onloadend = done; request.send() }))"
        )
        told = {
            attributes(one)["url.path"]: attributes(one)
            for one in shop.events("requests", "http.client.request", 4)
        }
        seen = dict(site.requests) | dict(foreign.requests)

    assert told["/api/orders"]["http.response.status_code"] == 200
    assert told["/third"]["error.type"] == "TypeError"
    for path in ("/api/orders", "/api/xhr"):
        assert (
            seen[path]["traceparent"] == f"00-{told[path]['trace_id']}-{told[path]['span_id']}-01"
        )
    assert seen["/api/orders"]["x-own"] == "1"
    assert "traceparent" not in seen["/third"]
    assert "trace_id" not in told["/third"]
    assert all("/v1/ingest" not in path for path in told)


def test_a_frame_that_blocks_is_an_event(shop: Shop) -> None:
    tab = shop.open("/shop", "frames")
    tab.run(
        "new Promise((done) => setTimeout(function slowWork() {"
        " const until = performance.now() + 300; while (performance.now() < until);"
        " requestAnimationFrame(() => setTimeout(done, 100)) }))"
    )
    (frame, *_) = shop.events("frames", "browser.long_frame")
    assert frame["value"] >= 300
    assert frame["unit"] == "ms"


def test_vitals_are_those_of_the_package_web_vitals(shop: Shop) -> None:
    tab = shop.open("/vitals", "vitals", entry="attribution")
    tab.run(
        "document.getElementById('room').style.height = '150px';"
        "new Promise((done) => requestAnimationFrame(() => setTimeout(done, 200)))"
    )
    click(tab, "#slow")
    tab.run("new Promise((done) => setTimeout(done, 300))")
    tab.run(HIDE)
    tab.until("Object.keys(told).length === 5")
    wanted = tab.run("told")
    for name, value in wanted.items():
        (found,) = shop.events("vitals", f"web_vital.{name}")
        assert found["value"] == pytest.approx(value, abs=0.001), name
        assert attributes(found)["browser.web_vital.navigation_type"] == "navigate"
        assert attributes(found)["page"] == "/vitals"
    assert wanted["cls"] > 0
    assert wanted["inp"] >= 120
    (inp,) = shop.events("vitals", "web_vital.inp")
    assert attributes(inp)["browser.web_vital.target"] == "#slow"
    assert attributes(inp)["browser.web_vital.processing"] >= 100


def test_nothing_is_captured_that_is_switched_off(shop: Shop) -> None:
    names = ("pageViews", "vitals", "errors", "clicks", "rageClicks", "network", "longFrames")
    tab = shop.open("/shop", "off", capture=dict.fromkeys(names, False))
    click(tab, "#buy", 4)
    tab.run("fetch('/api/orders').then(() => setTimeout(() => { throw new Error('x') }))")
    tab.run("seamark.track('last')")
    shop.events("off", "last")
    assert tab.run("seamark.stats().tracked") == 2  # session.start and the last
