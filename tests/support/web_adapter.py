"""The web SDK behind the fault collector's protocol: a tab of a real browser in place of a process.

What another SDK's adapter does by ending its process, this does by closing its tab, and `kill` is
the same: closing a tab runs the page's handlers, and the loss of a crash is not counted.
"""

import json
from typing import Any

from tests.support.web_browser import Context, Tab

SDK = "/dist/core.js"


class WebAdapter:
    """One tab; `context` outlives it, as a store outlives a process."""

    def __init__(self, context: Context, site: str) -> None:
        self._site = site
        self._tab: Tab = context.tab(f"{site}/")

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Give one command, and wait for its answer."""
        match op:
            case "init":
                options = {
                    "key": arguments["key"],
                    "endpoint": arguments["endpoint"],
                    "batch": {"intervalMs": 1000},
                }
                self._tab.run(
                    f"import('{SDK}').then(({{init}}) => {{ globalThis.seamark = init({{"
                    f"...{json.dumps(options)},"
                    # the cases count what they track, and nothing else
                    "beforeSend: (event) => event.name === 'session.start' ? null : event}) })"
                )
            case "track":
                names = json.dumps(arguments["names"])
                self._tab.run(f"{names}.forEach((name) => seamark.track(name))")
            case "flush":
                delivered = self._tab.run(f"seamark.flush({arguments['seconds'] * 1000})")
                return {"ok": True, "delivered": delivered}
            case "stats":
                dropped = self._tab.run("seamark.stats().dropped")
                dropped.pop("redacted", None)
                return {"ok": True, "dropped": dropped}
        return {"ok": True}

    def exit(self) -> int:
        """Close the tab."""
        self._tab.close()
        return 0

    def kill(self) -> int:
        """The same."""
        return self.exit()
