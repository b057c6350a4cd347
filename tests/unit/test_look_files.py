"""The first look is files that can be trusted: nothing inline, nothing from elsewhere, no markup
made of data; and they are sent so that browsers hold the page to it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from api.look.routes import PAGE, SECURITY, add_look, files, for_people
from provisioning.own_metrics import APP
from seamark.standalone.folder import Folder
from seamark.standalone.look import page, write_look
from seamark.standalone.ports import Ports
from seamark.standalone.public_addresses import public_addresses
from seamark.standalone.terminal import summary

FILES = {name: file.body.decode() for name, file in files().items()}
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async def index(request: web.Request) -> web.Response:
        return for_people(request) or web.json_response({"routes": []})

    app = web.Application()
    app.router.add_get("/", index)
    add_look(app)
    async with TestClient(TestServer(app)) as made:
        yield made


def test_whatever_is_loaded_is_there() -> None:
    loaded = set(re.findall(r'(?:src|href)="look/([^"]+)"', FILES[PAGE]))
    for text in SCRIPTS.values():
        loaded |= set(re.findall(r'from "\./([^"]+)"', text))
    assert loaded | {PAGE} == set(FILES)


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    html = FILES[PAGE]
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|javascript:", html)
    addresses = re.findall(r"""["'(]((?:https?:)?//[^"')\s]+)""", "".join(FILES.values()))
    assert set(addresses) == {"http://www.w3.org/2000/svg"}  # a name, not an address to load


@pytest.mark.parametrize("name", SCRIPTS)
def test_data_never_becomes_markup(name: str) -> None:
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|Function\("
    )
    assert not re.search(forbidden, SCRIPTS[name])


def test_own_metrics_do_not_count_as_the_first_batch() -> None:
    assert f'OWN_APP = "{APP}"' in SCRIPTS["page.js"]


async def test_every_file_says_what_may_run(client: Client) -> None:
    for name in FILES:
        got = await client.get("/look" if name == PAGE else f"/look/{name}")
        assert got.status == 200
        assert {key: got.headers[key] for key in SECURITY} == SECURITY
    policy = SECURITY["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


async def test_what_has_not_changed_is_not_sent_again(client: Client) -> None:
    first = await client.get("/look/page.js")
    again = await client.get("/look/page.js", headers={"If-None-Match": first.headers["ETag"]})
    changed = await client.get("/look/page.js", headers={"If-None-Match": '"another"'})
    assert (first.status, again.status, changed.status) == (200, 304, 200)
    assert first.headers["Cache-Control"] == "no-cache"
    assert await again.read() == b""


async def test_only_files_of_the_page_are_served(client: Client) -> None:
    for path in ("/look/routes.py", "/look/page.html", "/look/..%2fserver.py", "/look/"):
        assert (await client.get(path)).status == 404


async def test_a_browser_is_sent_to_the_page_and_a_program_is_not(client: Client) -> None:
    accept = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    person = await client.get("/", headers=accept, allow_redirects=False)
    program = await client.get("/", headers={"Accept": "*/*"}, allow_redirects=False)
    assert (person.status, person.headers["Location"]) == (302, "look")
    assert (program.status, program.content_type) == (200, "application/json")


def test_the_file_that_knows_the_token_is_the_owners_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    credentials = {"query_token": 'smq_a"<b', "ingest_key": "smk_x", "app": "demo"}

    write_look(folder, api="http://127.0.0.1:4320", credentials=credentials)

    assert page(folder).stat().st_mode & 0o777 == 0o600
    assert "http://127.0.0.1:4320/look#token=smq_a&quot;&lt;b" in page(folder).read_text()
    for talkative in (True, False):
        addresses = public_addresses("0.0.0.0", Ports(), {})
        said = "\n".join(summary(folder, addresses, credentials, seconds=1, talkative=talkative))
        assert "http://127.0.0.1:4320/look" in said
        assert "smq_" not in said
