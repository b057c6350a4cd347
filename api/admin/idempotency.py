"""A repeated request makes nothing twice, and is answered with the same secret again.

The secret is stored nowhere. It follows from the token that the request is sent with, which only
the caller has, and from a random number that is kept in SEAMARK_ADMIN for a day under the request's
`Idempotency-Key`. Everything else of a record follows from the request and the time it was first
made at, so the same request makes the same records, however far the first one came.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

import msgspec
import nats.errors
from nats.js.errors import KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from api.reasons import QuestionReason
from seamark.wire.failures import Rejected, Unavailable

KEPT_SECONDS: Final = 86_400.0
LONGEST: Final = 255


@dataclass(frozen=True, slots=True)
class Attempt:
    """When a request was first made, and what its secret is made of."""

    at_ms: int
    seed: bytes
    repeated: bool = False


class _Kept(msgspec.Struct, frozen=True):
    request: str
    number: str
    at_ms: int


def read_key(text: str) -> str:
    """The header's value. Raises Rejected (INVALID_FIELD)."""
    if len(text) > LONGEST or not text.isprintable():
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            f"Idempotency-Key has 1 to {LONGEST} printable characters.",
            field="Idempotency-Key",
        )
    return text


async def attempt(
    bucket: KeyValue, *, key: str, secret: str, request: bytes, now_ms: int
) -> Attempt:
    """What this request is, and whether it was made before; `key` "": it stands for itself.

    Raises Rejected (REUSED) when the key stood for another request, Unavailable.
    """
    if not key:
        return Attempt(now_ms, secrets.token_bytes(32))
    name = "idem." + hashlib.sha256(f"{secret}\0{key}".encode()).hexdigest()
    wanted = _Kept(hashlib.sha256(request).hexdigest(), secrets.token_hex(32), now_ms)
    try:
        kept, repeated = await _keep(bucket, name, wanted)
    except (nats.errors.Error, OSError, TimeoutError) as error:
        raise Unavailable(
            f"Requests cannot be remembered now: {error!r}"[:200], reason=QuestionReason.UNAVAILABLE
        ) from error
    if kept.request != wanted.request:
        raise Rejected(
            QuestionReason.REUSED,
            "This Idempotency-Key was sent with another request within the last day; send a new "
            "key with a new request.",
            field="Idempotency-Key",
        )
    seed = hmac.digest(secret.encode(), f"{kept.number}\0{name}".encode(), "sha512")
    return Attempt(kept.at_ms, seed, repeated)


async def _keep(bucket: KeyValue, name: str, wanted: _Kept) -> tuple[_Kept, bool]:
    """What is kept under a name, and whether it was there before."""
    value = msgspec.json.encode(wanted)
    try:
        await bucket.create(name, value, msg_ttl=KEPT_SECONDS)
    except KeyWrongLastSequenceError:
        entry = await bucket.get(name)
        return msgspec.json.decode(entry.value or b"", type=_Kept), entry.value != value
    return wanted, False
