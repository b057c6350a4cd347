"""The situations: each tracks events in tabs of a browser, and something goes wrong.

A column is a function of a `Situation`; it returns when the SDK says that nothing waits, or when
the page is gone. Whether every event arrived once is asked of the log, after all of them.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from faults.proxy import Proxy

from tests.support.web_browser import Context, Tab

_PATIENCE_SECONDS: Final = 200.0
"""After half a minute of 503 the next attempt may be a minute away, and machines are busy."""
SDK: Final = "/dist/index.js"


@dataclass(slots=True)
class Situation:
    """One run of one column. `tracked` is what has to arrive once, `unwanted` what must not."""

    name: str
    context: Context
    site: str
    collector_port: int
    key: str
    tracked: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    proxy: Proxy | None = None
    absent: str = ""
    """What this browser has not, so that the column says nothing."""
    failure: str = ""
    """What the column itself failed with."""

    def play(self, column: "Column") -> "Situation":
        """Run a column; a failure of it is kept, and fails no other."""
        try:
            column(self)
        except Exception as error:
            self.failure = f"{self.name}: {error!r}"
        finally:
            self.context.close()
        return self

    @contextmanager
    def collector(self) -> Iterator[None]:
        """A collector behind a proxy, which fails once a column says how."""
        with Proxy(self.collector_port) as self.proxy:
            yield

    def fail(self, **fault: object) -> None:
        """Have the collector fail from now on."""
        assert self.proxy is not None
        self.proxy.play([fault])

    def tab(self, **options: object) -> Tab:
        """A page that has started the SDK at its defaults, or with these options, and has sent what
        a page sends first: so a fault hits what the column tracks."""
        assert self.proxy is not None
        told = {"key": self.key, "endpoint": self.proxy.url, **options}
        tab = self.context.tab(f"{self.site}/shop")
        tab.run(
            f"import('{SDK}').then(({{init}}) => {{"
            f" globalThis.seamark = init({json.dumps(told)}) }})"
        )
        if "consent" not in options:
            self.settle(tab)
        return tab

    def track(self, tab: Tab, count: int, *, pad: int = 0, wanted: bool = True) -> None:
        """Track so many events in the page."""
        known = self.tracked if wanted else self.unwanted
        first = len(self.tracked) + len(self.unwanted)
        names = [f"{self.name}.{first + number}" for number in range(count)]
        known += names
        attributes = {"pad": "x" * pad} if pad else {}
        tab.run(
            f"{json.dumps(names)}.forEach((name) => seamark.track(name, {json.dumps(attributes)}))"
        )

    def settle(self, tab: Tab) -> None:
        """Wait until the page's SDK has nothing left to send."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not tab.run("seamark.flush(1000)"):
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name}: {tab.run('seamark.stats()')}")
            time.sleep(0.2)


_UNAVAILABLE: Final[Mapping[str, object]] = {
    "status": 503,
    "body": '{"error": {"reason": "unavailable", "message": "m"}}',
}


def unavailable(situation: Situation, seconds: float) -> None:
    """The collector answers 503 for so long."""
    with situation.collector():
        tab = situation.tab()
        situation.fail(**_UNAVAILABLE, **{"for": seconds})
        situation.track(tab, 10)
        situation.settle(tab)


def rate_limited(situation: Situation) -> None:
    """429 with Retry-After of 2 s."""
    with situation.collector():
        tab = situation.tab()
        situation.fail(status=429, headers={"Retry-After": "2"})
        situation.track(tab, 10)
        situation.settle(tab)


def offline(situation: Situation, seconds: float) -> None:
    """The device has no network for so long."""
    with situation.collector():
        tab = situation.tab()
        tab.offline()
        situation.track(tab, 50)
        time.sleep(seconds)  # the situation itself
        tab.offline(False)
        situation.settle(tab)


def navigated(situation: Situation) -> None:
    """The page is left at once, for one that has no SDK."""
    with situation.collector():
        tab = situation.tab()
        seen = _requests(situation)
        situation.track(tab, 20)
        tab.open(f"{situation.site}/plain")
        _await_requests(situation, seen + 1)


def reopened(situation: Situation) -> None:
    """Offline, the tab is closed, and another one is opened later."""
    with situation.collector():
        tab = situation.tab()
        tab.offline()
        situation.track(tab, 50)
        tab.close()
        _reopen(situation)


def answer_lost(situation: Situation) -> None:
    """The collector takes a batch twice, and its answer does not come."""
    with situation.collector():
        tab = situation.tab()
        situation.fail(lose=True, times=2)
        situation.track(tab, 10)
        situation.settle(tab)


def two_tabs(situation: Situation) -> None:
    """Two tabs store what a collector that is away does not take; both have one session."""
    with situation.collector():
        tabs = [situation.tab(), situation.tab()]
        situation.fail(**_UNAVAILABLE, **{"for": 2.0})
        for _ in range(5):
            for tab in tabs:
                situation.track(tab, 5)
        for tab in tabs:
            situation.settle(tab)
        first, second = (tab.run("seamark.sessionId") for tab in tabs)
        assert first == second, f"{situation.name}: sessions {first} and {second}"


def large_exit(situation: Situation) -> None:
    """The page is closed with 200 KB that are not sent; a browser carries 64 KB beyond its end."""
    with situation.collector():
        tab = situation.tab(batch={"events": 500, "bytes": 10_000_000, "intervalMs": 600_000})
        situation.track(tab, 200, pad=1000)
        tab.close()
        _reopen(situation)


def exit_while_away(situation: Situation) -> None:
    """The collector answers 503 while the page is closed; another one is opened later."""
    with situation.collector():
        tab = situation.tab()
        situation.fail(**_UNAVAILABLE, **{"for": 2.0})
        situation.track(tab, 10)
        tab.close()
        _reopen(situation)


def consent_given(situation: Situation) -> None:
    """What was held while consent was pending is sent once it is given."""
    with situation.collector():
        tab = situation.tab(consent="pending")
        situation.track(tab, 20)
        tab.run("seamark.sendOtlp('traces', '{}')")
        assert not tab.run("seamark.flush(200)"), "flushed without consent"
        assert tab.run("localStorage.length") == 0, "stored without consent"
        assert _requests(situation) == 0, "sent without consent"
        tab.run("seamark.setConsent('granted')")
        situation.settle(tab)


def consent_refused(situation: Situation) -> None:
    """What was held while consent was pending is gone once it is refused; then it is given."""
    with situation.collector():
        tab = situation.tab(consent="pending")
        situation.track(tab, 20, wanted=False)
        tab.run("seamark.setConsent('denied')")
        situation.track(tab, 5, wanted=False)
        assert tab.run("localStorage.length") == 0, "stored without consent"
        tab.run("seamark.setConsent('granted')")
        situation.track(tab, 5)
        situation.settle(tab)


def back_and_forth(situation: Situation) -> None:
    """The page is left and comes back from the back/forward cache, where it goes on."""
    with situation.collector():
        tab = situation.tab()
        tab.run("addEventListener('pageshow', (event) => { globalThis.back = event.persisted })")
        situation.track(tab, 10)
        tab.open(f"{situation.site}/plain")
        tab.call("Runtime.evaluate", expression="history.back()")
        tab.until("location.pathname === '/shop' && document.readyState === 'complete'")
        if not tab.run("globalThis.back === true"):
            situation.absent = "this browser has no back/forward cache"
            return
        situation.track(tab, 10)
        situation.settle(tab)


def _reopen(situation: Situation) -> None:
    """Open another tab, and wait until it has sent what was left."""
    seen = _requests(situation)
    tab = situation.tab()
    # the page's own first batch, and those that were left; a tab may see them only after a while
    _await_requests(situation, seen + 2)
    situation.settle(tab)


def _requests(situation: Situation) -> int:
    assert situation.proxy is not None
    return len(situation.proxy.requests)


def _await_requests(situation: Situation, count: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _requests(situation) < count:
        assert time.monotonic() < deadline, f"{situation.name}: no request"
        time.sleep(0.02)
    time.sleep(0.5)  # the proxy hands the request on before it is closed


Column = Callable[[Situation], None]

COLUMNS: Final[Mapping[str, Column]] = {
    "503-for-4s": lambda situation: unavailable(situation, 4.0),
    "503-for-30s": lambda situation: unavailable(situation, 30.0),
    "429-retry-after": rate_limited,
    "offline-4s": lambda situation: offline(situation, 4.0),
    "offline-30s": lambda situation: offline(situation, 30.0),
    "navigated": navigated,
    "offline-closed-reopened": reopened,
    "answer-lost": answer_lost,
    "two-tabs": two_tabs,
    "exit-with-200-kb": large_exit,
    "exit-while-503": exit_while_away,
    "consent-given": consent_given,
    "consent-refused": consent_refused,
    "back-forward-cache": back_and_forth,
}
SHORT: Final = tuple(name for name in COLUMNS if not name.endswith("30s"))
"""What CI runs; the two columns of half a minute are in the long form."""


def problem(situation: Situation, arrived: Mapping[str, int]) -> str:
    """What went wrong; "" where everything arrived once. `arrived` counts names."""
    if situation.failure:
        return situation.failure
    lost = [name for name in situation.tracked if not arrived.get(name)]
    twice = [name for name in situation.tracked if arrived.get(name, 0) > 1]
    more = [name for name in situation.unwanted if arrived.get(name)]
    if not (lost or twice or more):
        return ""
    total = len(situation.tracked)
    return (
        f"{situation.name}: lost {len(lost)} of {total}, twice {len(twice)}, unwanted {len(more)}"
    )


def summary(situations: Sequence[Situation], arrived: Mapping[str, int]) -> str:
    """Received of emitted, over all runs of a column, and how many were received twice."""
    tracked = [name for situation in situations for name in situation.tracked]
    once = sum(arrived.get(name) == 1 for name in tracked)
    return f"{once}/{len(tracked)}"
