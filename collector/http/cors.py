"""Cross-origin requests (https://fetch.spec.whatwg.org/#http-cors-protocol). Pure.

A preflight carries no key, so it cannot be asked whether the app allows the origin: it is answered
for every known path, and the app's list is enforced on the request itself. `sendBeacon` sends with
credentials, for which `*` is not taken, so the origin is echoed; no cookie is ever read or set.
"""

import re
from collections.abc import Mapping
from typing import Final

MAX_AGE_SECONDS: Final = 7200
_ALLOWED_HEADERS: Final = (
    "content-type, content-encoding, x-api-key, authorization, traceparent, tracestate, baggage"
)
_HEADER_LIST: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:\s*,\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*"
)
_LONGEST: Final = 512


def answer_headers(origin: str) -> dict[str, str]:
    """Headers that let a page of `origin` read the answer; none when it is no origin."""
    if not origin or len(origin) > _LONGEST or not origin.isascii() or not origin.isprintable():
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "Retry-After",
        "Vary": "Origin",
    }


def preflight_headers(headers: Mapping[str, str], methods: str) -> dict[str, str]:
    """Headers of the answer to a preflight for a path that takes `methods`."""
    asked = headers.get("access-control-request-headers", "")
    if len(asked) > _LONGEST or not _HEADER_LIST.fullmatch(asked):
        asked = _ALLOWED_HEADERS
    allowed = answer_headers(headers.get("origin", ""))
    if not allowed:
        return {"Allow": methods}
    del allowed["Access-Control-Expose-Headers"]
    allowed |= {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": asked,
        "Access-Control-Max-Age": str(MAX_AGE_SECONDS),
        "Vary": "Origin, Access-Control-Request-Headers",
    }
    return allowed
