"""Who is asking: keys, origins, and where a sender's key may stand."""

import pytest

from collector.admission.keys import authenticate, origin_allowed, secret_of
from seamark.service.registry import AppRecord, KeyRecord, TokenRecord
from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason

NOW_MS = 1_795_316_640_000


class Directory:
    """Keys `good`, `ending`, `ended`, `disabled` of app `shop`, `off` of a disabled app."""

    def __init__(self) -> None:
        self.looked_up: list[str] = []

    def key(self, secret: str) -> KeyRecord | None:
        self.looked_up.append(secret)
        known = {
            "good": KeyRecord(key_id="1", org="acme", app="shop", digest=""),
            "ending": KeyRecord(
                key_id="2", org="acme", app="shop", digest="", expires_at_ms=NOW_MS + 1
            ),
            "ended": KeyRecord(key_id="3", org="acme", app="shop", digest="", expires_at_ms=NOW_MS),
            "disabled": KeyRecord(key_id="4", org="acme", app="shop", digest="", status="disabled"),
            "off": KeyRecord(key_id="5", org="acme", app="off", digest=""),
            "orphan": KeyRecord(key_id="6", org="acme", app="deleted", digest=""),
        }
        return known.get(secret)

    def token(self, secret: str) -> TokenRecord | None:
        self.looked_up.append(secret)
        return None

    def app(self, org: str, app: str) -> AppRecord | None:
        return {
            "shop": AppRecord(org=org, app="shop", origins=["https://shop.example"]),
            "off": AppRecord(org=org, app="off", status="disabled"),
        }.get(app)


@pytest.mark.parametrize(
    ("headers", "query", "secret"),
    [
        ({"x-api-key": " a "}, {}, "a"),
        ({"authorization": "Bearer a"}, {}, "a"),
        ({"authorization": "bEARER  a"}, {}, "a"),
        ({"authorization": "Basic a"}, {"k": "b"}, "b"),
        ({}, {"k": "a"}, "a"),
        ({"x-api-key": "a", "authorization": "Bearer b"}, {"k": "c"}, "a"),
        ({"authorization": "Bearer b"}, {"k": "c"}, "b"),
        ({}, {}, ""),
    ],
)
def test_where_a_key_stands(headers: dict[str, str], query: dict[str, str], secret: str) -> None:
    assert secret_of(headers, query) == secret


@pytest.mark.parametrize("secret", ["good", "ending"])
def test_a_good_key(secret: str) -> None:
    key, app = authenticate(Directory(), secret=secret, origin="", now_ms=NOW_MS)

    assert (key.org, app.app) == ("acme", "shop")


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("", Reason.NO_KEY),
        ("unknown", Reason.UNKNOWN_KEY),
        ("ended", Reason.UNKNOWN_KEY),
        ("disabled", Reason.DISABLED),
        ("off", Reason.DISABLED),
        ("orphan", Reason.DISABLED),
    ],
)
def test_a_bad_key(secret: str, reason: Reason) -> None:
    with pytest.raises(Rejected) as found:
        authenticate(Directory(), secret=secret, origin="", now_ms=NOW_MS)

    assert found.value.reason is reason
    assert not secret or secret not in found.value.message.split()


@pytest.mark.parametrize("secret", ["x" * 129, "gööd", "\udcff"])
def test_what_can_be_no_key_is_not_looked_up(secret: str) -> None:
    directory = Directory()
    with pytest.raises(Rejected):
        authenticate(directory, secret=secret, origin="", now_ms=NOW_MS)

    assert directory.looked_up == []


def test_the_origin_is_the_apps() -> None:
    authenticate(Directory(), secret="good", origin="https://shop.example", now_ms=NOW_MS)
    with pytest.raises(Rejected) as found:
        authenticate(Directory(), secret="good", origin="https://evil.example", now_ms=NOW_MS)

    assert found.value.reason is Reason.ORIGIN


@pytest.mark.parametrize(
    ("origin", "allowed", "verdict"),
    [
        ("https://a.example", ["*"], True),
        ("null", ["*"], True),
        ("null", ["https://a.example"], False),
        ("https://a.example", [], False),
        ("https://a.example", ["https://a.example"], True),
        ("https://A.example", ["https://a.EXAMPLE"], True),
        ("http://a.example", ["https://a.example"], False),
        ("https://a.example:8443", ["https://a.example"], False),
        ("https://www.a.example", ["https://*.a.example"], True),
        ("https://x.www.a.example", ["https://*.a.example"], True),
        ("https://a.example", ["https://*.a.example"], False),
        ("https://.a.example", ["https://*.a.example"], False),
        ("https://evila.example", ["https://*.a.example"], False),
        ("http://www.a.example", ["https://*.a.example"], False),
        ("https://www.a.example.evil", ["https://*.a.example"], False),
    ],
)
def test_origins(origin: str, allowed: list[str], verdict: bool) -> None:
    assert origin_allowed(origin, allowed) is verdict
