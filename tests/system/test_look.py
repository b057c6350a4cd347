"""The first look, in a real browser, on a real stack: what people see when they open it.

What is shown is compared with what the API answers to the same questions, asked from here.
"""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.system.browser.chromium import browsing, chromium
from tests.system.browser.page import Page
from tests.system.browser.proxy import Ingest
from tests.system.played_demo import play
from tests.system.stack import Stack

pytestmark = [pytest.mark.system, pytest.mark.slow]
HOSTILE = '<img src=x onerror="violations.push(1)">' + "long" * 40
HOSTILE_ERROR = "<script>violations.push(2)</script>"
PATIENCE_SECONDS = 240.0
"""A minute is settled up to two minutes after its end."""
SHOWN = """({
  totals: Object.fromEntries(["offered", "accepted", "stored", "archived"].map(
    (name) => [name, Number(document.getElementById("ledger-" + name).value)])),
  balanced: document.getElementById("balanced").textContent,
  leaks: [...document.querySelectorAll(".leaks li")].map((li) => li.textContent),
  p95: Number(document.getElementById("load").value),
  errors: Number(document.getElementById("errors").value),
  pages: [...document.querySelectorAll("#pages tr")].map((tr) =>
    [tr.querySelector(".text").textContent, tr.querySelector("td").textContent]),
  groups: [...document.querySelectorAll("#groups tr")].map((tr) =>
    [tr.querySelector(".text").textContent, tr.querySelector("td").textContent]),
})"""
VERDICTS = {True: "It adds up", False: "It does not add up", None: "Nothing settled yet"}


@pytest.fixture(scope="module")
def binary() -> str:
    return chromium()


@pytest.fixture(scope="module")
def shop(stack_of_its_own: Stack) -> Stack:
    """A stack to which the demo's shop has sent, and an app with hostile page names."""
    stack = stack_of_its_own
    play(stack, "--seed=5", "--sessions=60")
    asyncio.run(send_hostile(stack))
    return stack


async def send_hostile(stack: Stack) -> None:
    now = time.time_ns() // 1_000_000
    views = [{"ts": now, "name": "page_view", "attrs": {"page": HOSTILE}}] * 7
    attrs = {"exception.type": HOSTILE_ERROR, "exception.message": HOSTILE, "page": HOSTILE}
    faults = [{"ts": now, "name": "exception", "attrs": attrs}] * 3
    wrong = [{"ts": now, "name": "no spaces, please"}] * 2
    batch = {"events": [*views, *faults, *wrong]}
    headers = {"X-API-Key": stack.credentials["ingest_key"]}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{stack.urls.ingest}/v1/ingest/batch", json=batch, headers=headers
        ) as response,
    ):
        assert response.status == 202, await response.text()


async def asked(stack: Stack) -> dict[str, Any]:
    """The page's questions, asked of the API, in the words of the page."""
    headers = {"Authorization": f"Bearer {stack.credentials['query_token']}"}
    async with aiohttp.ClientSession(stack.urls.api, headers=headers) as session:

        async def post(path: str, **question: Any) -> Any:
            body = {"from": "now-30m", **question}
            async with session.post(f"/v1/query/{path}", json=body) as response:
                assert response.status == 200, await response.text()
                return await response.json()

        async with session.get("/v1/ledger?from=now-30m&step=1m") as response:
            books = await response.json()
        load = await post("top", metric="web_vital.lcp", by="page", agg="p95", limit=1)
        pages = await post("top", metric="page_view", by="page", limit=8)
        errors = await post("errors", limit=6)
    totals = books["totals"]
    return {
        "totals": {name: totals[name] for name in ("offered", "accepted", "stored", "archived")},
        "balanced": VERDICTS[books["balanced"]],
        "leaks": ["2 rejected", "2 · invalid_name"],
        "p95": load["total"],
        "errors": errors["total"]["rate"],
        "pages": [[row["label"], f"{row['value']:,}"] for row in pages["values"]],
        "groups": [
            [": ".join(filter(None, (g["type"], g["message"]))), f"{g['count']:,}"]
            for g in errors["groups"]
        ],
    }


def look(stack: Stack, *, token: str = "") -> str:
    return f"{stack.urls.api}/look#token={token or stack.credentials['query_token']}"


async def settled(stack: Stack, page: Page) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is shown and what is answered, once they agree, or as they are when time is up."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        shown, answered = await page.evaluate(SHOWN), await asked(stack)
        done = answered["balanced"] == VERDICTS[True] and answered["leaks"] == shown["leaks"]
        if (done and shown == answered) or time.monotonic() > deadline:
            return shown, answered
        # the page says when it has asked again
        before = await page.evaluate("document.getElementById('state').textContent")
        await page.until(f"document.getElementById('state').textContent !== {json.dumps(before)}")


async def test_an_empty_stack_shows_the_first_command_and_it_works(
    binary: str, stack_of_its_own: Stack, tmp_path: Path
) -> None:
    (tmp_path / ".seamark").symlink_to(stack_of_its_own.data)
    async with browsing(binary) as browser:
        page = await browser.page()
        await page.open((stack_of_its_own.data / "look.html").as_uri())
        await page.until("!document.getElementById('empty').hidden && !look.hidden")
        command = await page.evaluate("document.getElementById('first').textContent")

        shell = await asyncio.create_subprocess_shell(
            command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
        )
        told, _ = await asyncio.wait_for(shell.communicate(), 60)

        assert json.loads(told)["accepted"] == 2
        await page.until("document.getElementById('empty').hidden")
        await page.until("document.getElementById('load').textContent === '812 ms'")
        assert await page.evaluate("location.href") == f"{stack_of_its_own.urls.api}/look"
        assert (page.complaints, await page.violations()) == ([], [])


async def test_it_shows_what_the_api_answers_and_names_stay_text(binary: str, shop: Stack) -> None:
    async with browsing(binary) as browser:
        page = await browser.page()
        await page.open(look(shop))
        await page.until("document.querySelectorAll('#pages tr').length > 1")

        shown, answered = await settled(shop, page)

        assert shown == answered
        assert [HOSTILE, "7"] in shown["pages"]
        assert any(name.startswith(HOSTILE_ERROR) for name, _ in shown["groups"])
        assert await page.evaluate("document.querySelectorAll('main img, main script').length") == 0
        assert (page.complaints, await page.violations()) == ([], [])


async def test_it_fits_a_phone_and_listens_to_keys(binary: str, shop: Stack) -> None:
    async with browsing(binary) as browser:
        page = await browser.page()
        await page.size(360, 740, phone=True)
        await page.open(look(shop))
        await page.until("document.querySelectorAll('#pages tr').length > 1")
        width = "[document.documentElement.scrollWidth, innerWidth]"
        assert await page.evaluate(width) == [360, 360]

        await page.evaluate("document.querySelector('#arriving svg').focus()")
        when = "document.querySelector('#arriving .when').textContent"
        last = await page.evaluate(when)
        await page.press("ArrowLeft")
        assert await page.evaluate(when) < last or last.startswith("00:")
        assert await page.evaluate("document.querySelectorAll('.cursor').length") == 1
        await page.press("Escape")
        assert await page.evaluate("document.querySelectorAll('.cursor').length") == 0


async def test_a_refused_token_is_reported_and_another_can_be_typed(
    binary: str, shop: Stack
) -> None:
    async with browsing(binary) as browser:
        page = await browser.page()
        await page.open(look(shop, token="smq_of_somebody_else"))

        said = await page.until("document.getElementById('refused').textContent")

        assert said.startswith("This token is not known here")
        assert await page.evaluate("sessionStorage.length") == 0
        assert await page.evaluate("document.activeElement.id") == "token"
        await page.type(shop.credentials["query_token"])
        await page.press("Enter")
        await page.until("document.querySelectorAll('#pages tr').length > 1")
        assert await page.evaluate("location.href") == f"{shop.urls.api}/look"
        refused = {source for source, _ in page.complaints}
        assert refused <= {"network"}  # the 401 itself


async def test_the_api_goes_away_and_comes_back(binary: str, shop: Stack) -> None:
    ingest = Ingest(shop.urls.ports.api)
    async with browsing(binary) as browser:
        page = await browser.page()
        await ingest.open()
        try:
            token = shop.credentials["query_token"]
            await page.open(f"http://127.0.0.1:{ingest.port}/look#token={token}")
            await page.until("document.getElementById('state').classList.contains('live')")

            await ingest.close()
            said = await page.until("document.getElementById('notice').textContent")
            assert said.startswith(f"The API at 127.0.0.1:{ingest.port} does not answer.")
            assert "What is shown is from" in said
            assert await page.evaluate("document.getElementById('look').hidden") is False

            await ingest.open()
            await page.until("document.getElementById('state').classList.contains('live')")
            assert await page.evaluate("document.getElementById('notice').hidden") is True
            assert {source for source, _ in page.complaints} <= {"network"}
        finally:
            await ingest.close()


WORDS = [
    ("count(1234567)", "1,234,567"),
    ("rate(0)", "0"),
    ("rate(2.25)", "2.3"),
    ("rate(20480.4)", "20,480"),
    ("duration(9.96)", "10.0 ms"),
    ("duration(812)", "812 ms"),
    ("duration(1240)", "1.24 s"),
    ("duration(90000)", "1.5 min"),
    ("duration(null)", "–"),
    ("percent(0.00653)", "0.65 %"),
    ("percent(0.5)", "50.0 %"),
    ("ago(119_400)", "119 s ago"),
    ("ago(180_000)", "3 min ago"),
]


async def test_numbers_are_reported_with_their_units(binary: str, stack_of_its_own: Stack) -> None:
    async with browsing(binary) as browser:
        page = await browser.page()
        await page.open(f"{stack_of_its_own.urls.api}/look")
        await page.until("!document.getElementById('enter').hidden")
        asked_for = ", ".join(f"words.{call}" for call, _ in WORDS)
        found = await page.evaluate(f"import('./look/words.js').then((words) => [{asked_for}])")
        assert found == [words for _, words in WORDS]
        lines = (
            "import('./look/chart.js').then(({line, step}) => [step(100), step(0.9), step(41), "
            "line([[0, 1], [1, null], [2, 3], [3, 4]], (t) => t, (v) => v)])"
        )
        assert await page.evaluate(lines) == [50, 0.5, 20, "M0.0 1.0h0.1M2.0 3.0L3.0 4.0"]
