"""What the SDK costs a page, at full speed and slowed down 4 times: `make web-overhead`.

The median of many measurements, and the least: a busy machine makes most of them too large.
"""

import sys
from statistics import median
from typing import Final

from tests.support.web_browser import WebBrowser, build_sdk, web_browser
from tests.support.web_site import Site

PAGES: Final = 15
_OPTIONS: Final = "{key: 'k', endpoint: 'http://127.0.0.1:9', batch: {intervalMs: 600000}}"
_INIT: Final = f"""
import('/dist/index.js').then(({{init}}) => {{
  const began = performance.now();
  globalThis.seamark = init({_OPTIONS});
  return performance.now() - began;
}})
"""
_TRACK: Final = """
(() => {
  const found = [];
  for (let round = 0; round < 20; round++) {
    const began = performance.now();
    for (let n = 0; n < 200; n++) seamark.track('purchase', {plan: 'gold'}, n, 'EUR');
    found.push((performance.now() - began) * 5);
  }
  return found;
})()
"""


def measure(browser: WebBrowser, site: Site, slower: int) -> str:
    """One line of the table."""
    init: list[float] = []
    track: list[float] = []
    for _ in range(PAGES):
        context = browser.context()
        tab = context.tab(f"{site.url}/shop")
        tab.call("Emulation.setCPUThrottlingRate", rate=slower)
        init.append(tab.run(_INIT))
        track += tab.run(_TRACK)
        context.close()
    times = (f"{median(found):.0f} ({min(found):.0f})" for found in (init, track))
    return f"| {slower} | {' | '.join(times)} |"


def main() -> int:
    """Measure and print."""
    build_sdk()
    with Site() as site, web_browser() as browser:
        lines = [
            f"{browser.version}, {PAGES} pages each; median (least)",
            "",
            "| times slower | init, ms | track, µs |",
            "|---|---|---|",
            *(measure(browser, site, slower) for slower in (1, 4)),
        ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
