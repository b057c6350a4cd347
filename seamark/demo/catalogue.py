"""What the shop sells, where its visitors come from, and the names in its telemetry.

Attributes are named after OpenTelemetry's semantic conventions where those have a name
(`browser.web_vital.*`, `url.path`, `exception.*`). Prices and vitals are multiples of powers of
two, so that their sums are exact in a double and can be compared with `==`.
"""

from dataclasses import dataclass
from typing import Final

PAGE_VIEW: Final = "page_view"
VIEW_ITEM: Final = "view_item"
ADD_TO_CART: Final = "add_to_cart"
BEGIN_CHECKOUT: Final = "begin_checkout"
PURCHASE: Final = "purchase"
FEATURE_CLICK: Final = "feature_click"
EXCEPTION: Final = "exception"
SEARCH_RESULTS: Final = "search.results"
FUNNEL: Final = (VIEW_ITEM, ADD_TO_CART, BEGIN_CHECKOUT, PURCHASE)


@dataclass(frozen=True, slots=True)
class Vital:
    """A web vital: its usual value, its spread, and where good and needs-improvement end.

    `step` is the smallest difference that is reported. Thresholds: https://web.dev/articles/vitals
    """

    name: str
    unit: str
    typical: float
    sigma: float
    good: float
    poor: float
    step: float

    @property
    def event(self) -> str:
        """Name of the event that reports it."""
        return f"web_vital.{self.name}"


VITALS: Final = (
    Vital("ttfb", "ms", 220, 0.45, 800, 1800, 1),
    Vital("fcp", "ms", 900, 0.40, 1800, 3000, 1),
    Vital("lcp", "ms", 1500, 0.40, 2500, 4000, 1),
    Vital("inp", "ms", 90, 0.60, 200, 500, 1),
    Vital("cls", "1", 0.04, 0.90, 0.1, 0.25, 1 / 1024),
)


@dataclass(frozen=True, slots=True)
class Product:
    """Something for sale; the price in euros, a multiple of a quarter."""

    sku: str
    category: str
    price: float


PRODUCTS: Final = tuple(
    Product(f"sku-{number:03d}", category, price)
    for number, (category, price) in enumerate(
        (
            ("lamps", 24.75),
            ("lamps", 59.5),
            ("lamps", 119.0),
            ("chairs", 89.5),
            ("chairs", 149.0),
            ("chairs", 249.75),
            ("tables", 199.5),
            ("tables", 449.0),
            ("mugs", 9.5),
            ("mugs", 12.25),
            ("mugs", 14.75),
            ("rugs", 79.0),
            ("rugs", 159.5),
            ("shelves", 99.25),
            ("shelves", 179.0),
            ("clocks", 34.5),
        ),
        start=1,
    )
)

RELEASES: Final = ("2.4.0", "2.4.1", "2.5.0")
NEWEST: Final = RELEASES[-1]
"""The release that brings an error at the checkout and a slow product page."""

COUNTRIES: Final[dict[str, int]] = {
    "US": 30,
    "DE": 22,
    "GB": 14,
    "FR": 12,
    "IN": 10,
    "BR": 7,
    "JP": 5,
}
FEATURES: Final = ("search", "wishlist", "compare", "size-guide", "live-chat", "gift-wrap")
EXPERIMENT: Final = "checkout-button"
VARIANTS: Final = ("control", "one-click")
ROUTES: Final[dict[str, tuple[str, str]]] = {
    "/": ("GET", "/api/home"),
    "/search": ("GET", "/api/search"),
    "/product": ("GET", "/api/products/{sku}"),
    "/cart": ("POST", "/api/cart"),
    "/checkout": ("GET", "/api/checkout"),
    "/thanks": ("POST", "/api/orders"),
}


@dataclass(frozen=True, slots=True)
class Browser:
    """A kind of visitor. `slowness` multiplies times; `weight` is its share."""

    agent: str
    device: dict[str, str]
    slowness: float
    weight: int


BROWSERS: Final = (
    Browser(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/142.0.0.0 Safari/537.36",
        {"type": "desktop", "os": "Windows"},
        1.0,
        34,
    ),
    Browser(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.6 Safari/605.1.15",
        {"type": "desktop", "os": "macOS"},
        0.9,
        14,
    ),
    Browser(
        "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
        {"type": "desktop", "os": "Linux"},
        0.95,
        6,
    ),
    Browser(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
        "Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
        {"type": "mobile", "os": "iOS"},
        1.3,
        24,
    ),
    Browser(
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/142.0.0.0 Mobile Safari/537.36",
        {"type": "mobile", "os": "Android"},
        1.7,
        22,
    ),
)
