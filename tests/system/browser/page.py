"""One page of a browser: what it shows, what a person does to it, and what it complained of."""

import asyncio
import base64
import json
import time
from typing import Any, Final, Protocol

_VIOLATIONS: Final = """
globalThis.violations = [];
addEventListener("securitypolicyviolation", (event) =>
  violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""
_UNTIL: Final = """
new Promise((resolve, reject) => {
  const until = Date.now() + %d;
  const look = () => {
    const found = (() => { try { return %s } catch { return null } })();
    if (found) resolve(found);
    else if (Date.now() > until) reject(new Error(document.body.innerText));
    else setTimeout(look, 50);
  };
  look();
})
"""
PATIENCE_SECONDS: Final = 60.0
"""Longest wait for something to show; it takes one or two where the machine is idle."""


class CallFailed(AssertionError):
    """The browser would not do it: the method and the browser's words."""


class Wire(Protocol):
    """What carries calls to the browser."""

    async def call(self, method: str, parameters: Any = None, *, session: str = "") -> Any:
        """Call a method of the protocol; its result. Raises CallFailed."""


class Page:
    """A page. `complaints`: `(source, words)` of errors in its console, in order."""

    def __init__(self, wire: Wire, session: str, target: str = "") -> None:
        self._wire = wire
        self._session = session
        self._target = target
        self.complaints: list[tuple[str, str]] = []

    async def prepare(self) -> None:
        """Before the first address: from now on complaints are heard."""
        for domain in ("Page", "Runtime", "Log"):
            await self.call(f"{domain}.enable")
        await self.call("Page.addScriptToEvaluateOnNewDocument", {"source": _VIOLATIONS})

    def hear(self, method: str, said: dict[str, Any]) -> None:
        """Keep what is a complaint."""
        match method:
            case "Runtime.exceptionThrown":
                self.complaints.append(("exception", json.dumps(said["exceptionDetails"])))
            case "Runtime.consoleAPICalled" if said["type"] in ("error", "assert", "warning"):
                self.complaints.append(("console", json.dumps(said["args"])))
            case "Log.entryAdded" if said["entry"]["level"] in ("error", "warning"):
                entry = said["entry"]
                self.complaints.append((entry["source"], f"{entry['text']} {entry.get('url')}"))

    async def call(self, method: str, parameters: Any = None) -> Any:
        """Call a method of the protocol on this page."""
        return await self._wire.call(method, parameters, session=self._session)

    async def open(self, address: str) -> None:
        """Go to an address; returns when the browser has set out for it."""
        went = await self.call("Page.navigate", {"url": address})
        assert "errorText" not in went, went

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression (of what a promise comes to). Fails with what it threw."""
        done = await self.call(
            "Runtime.evaluate",
            {"expression": expression, "awaitPromise": True, "returnByValue": True},
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    async def until(self, expression: str, *, seconds: float = PATIENCE_SECONDS) -> Any:
        """Wait until an expression is true. Fails with the text that the page shows instead."""
        deadline = time.monotonic() + seconds
        while True:
            left_ms = (deadline - time.monotonic()) * 1000
            try:
                return await self.evaluate(_UNTIL % (left_ms, expression))
            except CallFailed:  # it went on to another address meanwhile
                if time.monotonic() > deadline:
                    raise

    async def violations(self) -> list[str]:
        """What the page's Content-Security-Policy has stopped."""
        found: list[str] = await self.evaluate("violations")
        return found

    async def offline(self, offline: bool) -> None:
        """Take the network from it, or give it back."""
        await self.call("Network.enable")
        speed = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        await self.call("Network.emulateNetworkConditions", {"offline": offline, **speed})

    async def close(self) -> None:
        """As a person closes a tab: the page gets `pagehide`. Returns once it is gone."""
        await self._wire.call("Target.closeTarget", {"targetId": self._target})
        while any(  # noqa: ASYNC110  # asked, because events of other targets are not listened to
            target["targetId"] == self._target
            for target in (await self._wire.call("Target.getTargets"))["targetInfos"]
        ):
            await asyncio.sleep(0.02)

    async def type(self, text: str) -> None:
        """Write into the element that has the focus."""
        await self.call("Input.insertText", {"text": text})

    async def press(self, key: str) -> None:
        """Press a key that is named, not written: Tab, Enter, ArrowLeft."""
        code = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39}[key]
        stroke = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        text = {"text": "\r"} if key == "Enter" else {}
        await self.call("Input.dispatchKeyEvent", {"type": "keyDown", **stroke, **text})
        await self.call("Input.dispatchKeyEvent", {"type": "keyUp", **stroke})

    async def size(
        self, width: int, height: int, *, phone: bool = False, dark: bool = False
    ) -> None:
        """The screen it is shown on."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        await self.call("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", {"features": [scheme]})

    async def picture(self) -> bytes:
        """A PNG of what it shows."""
        taken = await self.call("Page.captureScreenshot")
        return base64.b64decode(taken["data"])
