"""A Chromium for tests that are not coroutines: its event loop runs in a thread of its own."""

import asyncio
import json
import subprocess
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import pytest

from tests.support.web_site import WEB
from tests.system.browser.chromium import Browser, browsing, chromium
from tests.system.browser.page import Page

Result = TypeVar("Result")
_BUILD_SECONDS: Final = 300.0
_PATIENCE: Final = 150.0


def build_sdk() -> None:
    """The bundles, from the sources as they are. Skips where Node is not to be had."""
    done = subprocess.run(
        [str(WEB / "build.sh"), "dist"],
        check=False,
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
    )
    if done.returncode == 1 and "no Node.js" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr


class Tab:
    """One page."""

    def __init__(self, browser: "WebBrowser", page: Page) -> None:
        self._browser = browser
        self._page = page

    def open(self, address: str) -> None:
        """Go there, and wait until it is there."""
        self._browser.wait(self._page.open(address))
        ready = f"location.href === {json.dumps(address)} && document.readyState === 'complete'"
        self._browser.wait(self._page.until(ready))

    def run(self, script: str) -> Any:
        """The value of an expression, or of what its promise comes to."""
        return self._browser.wait(self._page.evaluate(script))

    def until(self, condition: str) -> Any:
        """Wait until an expression is true."""
        return self._browser.wait(self._page.until(condition))

    def offline(self, offline: bool = True) -> None:
        """Take the network from it, or give it back."""
        self._browser.wait(self._page.offline(offline))

    def call(self, method: str, **parameters: object) -> Any:
        """A method of the browser's protocol."""
        return self._browser.wait(self._page.call(method, parameters))

    def close(self) -> None:
        """As a person closes it."""
        self._browser.wait(self._page.close())

    @property
    def complaints(self) -> list[tuple[str, str]]:
        """What stands in its console."""
        return self._page.complaints


class Context:
    """Pages that share storage."""

    def __init__(self, browser: "WebBrowser") -> None:
        self._browser = browser
        self._id = browser.wait(browser.browser.context())

    def close(self) -> None:
        """Close its pages and forget its storage."""
        browser = self._browser.browser
        named = {"browserContextId": self._id}
        self._browser.wait(browser.call("Target.disposeBrowserContext", named))

    def tab(self, address: str = "") -> Tab:
        """A new page, at an address if one is given."""
        tab = Tab(self._browser, self._browser.wait(self._browser.browser.page(self._id)))
        if address:
            tab.open(address)
        return tab


class WebBrowser:
    """Used by any thread."""

    def __init__(self, browser: Browser, loop: asyncio.AbstractEventLoop) -> None:
        self.browser = browser
        self._loop = loop

    def wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What a coroutine of the browser comes to."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    def context(self) -> Context:
        """One without storage."""
        return Context(self)

    @property
    def version(self) -> str:
        """Name and version, as it says itself."""
        return str(self.wait(self.browser.call("Browser.getVersion"))["product"])


@contextmanager
def web_browser() -> Iterator[WebBrowser]:
    """A browser that runs inside the context manager."""
    binary = chromium()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait(work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, loop).result(_PATIENCE)

    manager = browsing(binary)
    try:
        yield WebBrowser(wait(_enter(manager)), loop)
    finally:
        wait(_leave(manager))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _enter(manager: Any) -> Browser:
    browser: Browser = await manager.__aenter__()
    return browser


async def _leave(manager: Any) -> None:
    await manager.__aexit__(None, None, None)
