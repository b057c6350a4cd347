"""Visits to the shop: what one session does, page by page. Pure and the same for the same seed.

A visit has only times relative to its own beginning; the sender decides when that was.
"""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from seamark.demo import catalogue
from seamark.demo.catalogue import BROWSERS, NEWEST, PRODUCTS, RELEASES, Browser, Product

Attributes = Mapping[str, str | float]
_ERROR_SHARE: Final = 0.18
"""Share of checkouts in the newest release that fail in the browser."""
_SLOW_PRODUCT: Final = 2.6
"""How much slower the product page paints in the newest release."""


@dataclass(frozen=True, slots=True)
class ShopEvent:
    """One event of a visit, `offset_ms` after its beginning."""

    offset_ms: int
    name: str
    attrs: dict[str, str | float]
    value: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the browser to the shop's services."""

    offset_ms: int
    method: str
    route: str
    duration_ms: int
    status: int
    order_value: float = 0.0


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a visit: what the browser reports when it leaves, `until_ms` in the visit."""

    path: str
    until_ms: int
    events: tuple[ShopEvent, ...]
    call: Call


@dataclass(frozen=True, slots=True)
class Visit:
    """One session. `number` is its place in the run."""

    number: int
    session: str
    user: str
    country: str
    release: str
    browser: Browser
    pages: tuple[Page, ...]

    @property
    def length_ms(self) -> int:
        """From the first page to the last report."""
        return self.pages[-1].until_ms

    @property
    def events(self) -> int:
        """How many events the whole visit has."""
        return sum(len(page.events) for page in self.pages)


def _identifier(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def _release(rng: random.Random, position: float) -> str:
    """Releases follow one another: the newest has all visitors in the last fifth of a run."""
    share = min(1.0, max(0.0, (position - 0.6) / 0.2))
    if rng.random() < 0.9 * share:
        return NEWEST
    return RELEASES[1] if rng.random() < 0.2 + position else RELEASES[0]


def make_visit(seed: int, number: int, *, position: float = 1.0, run: str = "") -> Visit:
    """Visit `number` of a run, `position` in [0, 1] of the way through its history.

    Runs of one seed differ in their sessions alone: the same people come again.
    """
    rng = random.Random(f"{seed}/{number}")
    # About a third come back: the pool of people grows more slowly than that of visits.
    person = rng.randrange(1 + 2 * number // 3) if rng.random() < 0.4 else number
    who = random.Random(f"{seed}/person/{person}")
    countries = catalogue.COUNTRIES
    country = who.choices(tuple(countries), tuple(countries.values()))[0]
    browser = who.choices(BROWSERS, [b.weight for b in BROWSERS])[0]
    maker = _Maker(rng, country=country, release=_release(rng, position), browser=browser)
    maker.variant = who.choice(catalogue.VARIANTS)
    return Visit(
        number=number,
        session=f"s-{_identifier(seed, run, 'session', number)}",
        user=f"u-{_identifier(seed, 'person', person)}",
        country=country,
        release=maker.release,
        browser=browser,
        pages=maker.pages(),
    )


class _Maker:
    """Walks one visitor through the shop, drawing from one source of randomness."""

    def __init__(self, rng: random.Random, *, country: str, release: str, browser: Browser) -> None:
        self.rng, self.country, self.release, self.browser = rng, country, release, browser
        self.variant = ""
        self._now_ms = 0
        self._pages: list[Page] = []

    def pages(self) -> tuple[Page, ...]:
        """The whole visit. Some visitors leave at every step of the funnel."""
        rng = self.rng
        self._page("/", ())
        if rng.random() < 0.5:
            hits = float(rng.randrange(0, 40))
            self._page(
                "/search",
                (
                    self._event(catalogue.FEATURE_CLICK, {"feature_id": "search"}),
                    self._event(catalogue.SEARCH_RESULTS, {}, hits, "{item}"),
                ),
            )
        cart: list[Product] = []
        if rng.random() < 0.72:
            cart = self._browse()
        if cart and rng.random() < 0.6:
            self._check_out(cart)
        return tuple(self._pages)

    def _browse(self) -> list[Product]:
        rng = self.rng
        cart: list[Product] = []
        for _ in range(rng.choice((1, 1, 2, 3))):
            product = rng.choice(PRODUCTS)
            item = {
                "item.sku": product.sku,
                "item.category": product.category,
            }
            events = [self._event(catalogue.VIEW_ITEM, item, product.price, "EUR")]
            if rng.random() < 0.25:
                feature = rng.choice(catalogue.FEATURES[1:])
                events.append(self._event(catalogue.FEATURE_CLICK, {"feature_id": feature}))
            if rng.random() < 0.3:
                cart.append(product)
                events.append(self._event(catalogue.ADD_TO_CART, item, product.price, "EUR"))
            self._page("/product", tuple(events))
        return cart

    def _check_out(self, cart: list[Product]) -> None:
        rng = self.rng
        total = sum(product.price for product in cart)
        experiment = {"experiment_id": f"{catalogue.EXPERIMENT}:{self.variant}"}
        begin = self._event(catalogue.BEGIN_CHECKOUT, experiment, total, "EUR")
        if self.release == NEWEST and rng.random() < _ERROR_SHARE:
            self._page("/checkout", (begin, self._exception()))
            return
        self._page("/checkout", (begin,))
        if rng.random() < (0.74 if self.variant == "one-click" else 0.62):
            bought = self._event(catalogue.PURCHASE, experiment, total, "EUR")
            click = self._event(catalogue.FEATURE_CLICK, {"button_id": "pay", **experiment})
            self._page("/thanks", (click, bought), order_value=total)

    def _exception(self) -> ShopEvent:
        attrs = {
            "exception.type": "TypeError",
            "exception.message": "Cannot read properties of undefined (reading 'price')",
            "exception.stacktrace": "TypeError: Cannot read properties of undefined (reading "
            "'price')\n    at total (checkout.js:214:31)\n    at Summary (checkout.js:98:17)",
        }
        return self._event(catalogue.EXCEPTION, attrs)

    def _event(
        self, name: str, attrs: Attributes, value: float | None = None, unit: str = ""
    ) -> ShopEvent:
        at_ms = self._now_ms + self.rng.randrange(300, 2_500)
        return ShopEvent(at_ms, name, dict(attrs), value, unit)

    def _vitals(self, path: str) -> list[ShopEvent]:
        slow = self.browser.slowness
        if path == "/product" and self.release == NEWEST:
            slow *= _SLOW_PRODUCT
        found = []
        for vital in catalogue.VITALS:
            raw = vital.typical * self.rng.lognormvariate(0, vital.sigma)
            if vital.unit == "ms":
                raw *= slow if vital.name in ("lcp", "fcp") else self.browser.slowness
            value = float(round(raw / vital.step) * vital.step)
            grade = "good" if value <= vital.good else "needs-improvement"
            rating = grade if value <= vital.poor else "poor"
            attrs = {
                "browser.web_vital.name": vital.name,
                "browser.web_vital.rating": rating,
                "browser.web_vital.navigation_type": "navigate",
            }
            found.append(self._event(vital.event, attrs, value, vital.unit))
        return found

    def _page(self, path: str, events: tuple[ShopEvent, ...], *, order_value: float = 0.0) -> None:
        """Add a page: its view, what happened on it, and its vitals; then time passes."""
        rng = self.rng
        seen = ShopEvent(self._now_ms, catalogue.PAGE_VIEW, {})
        common: dict[str, str | float] = {
            "page": path,
            "url.path": path,
            "country": self.country,
            "release": self.release,
            "platform": "web",
        }
        # One thing after the other: an item is seen before it is put into the cart.
        moments = sorted(event.offset_ms for event in events)
        happened = [replace(event, offset_ms=at) for event, at in zip(events, moments, strict=True)]
        whole = [seen, *happened, *self._vitals(path)]
        for event in whole:
            event.attrs.update(common)
        method, route = catalogue.ROUTES[path]
        status = 200
        if rng.random() < (0.03 if path == "/thanks" else 0.004):
            status = 503
        duration_ms = max(5, round(rng.lognormvariate(3.6, 0.6)))
        call = Call(self._now_ms, method, route, duration_ms, status, order_value)
        self._now_ms += rng.randrange(3_000, 25_000)
        ordered = tuple(sorted(whole, key=lambda event: event.offset_ms))
        self._pages.append(Page(path, self._now_ms, ordered, call))
