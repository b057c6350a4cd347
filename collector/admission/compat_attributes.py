"""Free-form properties of compatibility clients as flat attributes: text, number or bool. Pure.

An object becomes one attribute for each of its parts, their keys joined by dots. An array becomes
its JSON, as text; so does an empty object, and one nested deeper than `DEEPEST`. Null is dropped.
Where two paths lead to one key, the later wins, as in JSON itself. An address of the network is
stored as its hash, under `ip_hash` in place of `ip`.
"""

import ipaddress
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from collector.admission.native.event import INTEGER_MAX, INTEGER_MIN
from collector.admission.senders import ip_hash
from collector.admission.user_ids import user_hash
from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason

Attribute = str | int | float | bool
DEEPEST: Final = 8
_ADDRESS_KEYS: Final = frozenset(
    {"ip", "ipaddress", "ip_address", "ip-address", "clientip", "client_ip", "remoteip"}
    | {"remote_ip", "remoteaddr", "remote_addr", "userip", "user_ip"}
)
_encode: Final = msgspec.json.Encoder().encode


def flat(document: Mapping[str, Any]) -> dict[str, Attribute]:
    """The attributes of a free object.

    Raises Rejected (INVALID_ATTRIBUTES) when an array is nested too deep to be written.
    """
    made: dict[str, Attribute] = {}
    _flatten(document, "", made, DEEPEST)
    return made


def event_attributes(document: Mapping[str, Any], *, salt: str) -> dict[str, Attribute]:
    """The attributes of a free object that a client sent, addresses hashed under the org's salt.

    Without a salt addresses are left out. Raises like `flat`.
    """
    made: dict[str, Attribute] = {}
    for key, value in flat(document).items():
        path, dot, last = key.rpartition(".")
        if last.lower() not in _ADDRESS_KEYS:
            made[key] = value
        elif hashed := ip_hash(salt, _shortest(str(value))):
            made[f"{path}{dot}ip_hash"] = hashed
    return made


def _shortest(address: str) -> str:
    """An address in its shortest form, so that one client has one hash; other text as it is."""
    try:
        return ipaddress.ip_address(address.strip()).compressed
    except ValueError:
        return address


def _flatten(
    document: Mapping[str, Any], before: str, made: dict[str, Attribute], levels: int
) -> None:
    for key, value in document.items():
        if isinstance(value, dict) and value and levels > 1:
            _flatten(value, f"{before}{key}.", made, levels - 1)
        elif value is not None:
            made[before + key] = _attribute(value)


def _attribute(value: object) -> Attribute:
    if isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        # larger ones are no number to the store; as text not a digit is lost
        return value if INTEGER_MIN <= value <= INTEGER_MAX else str(value)
    try:
        return _encode(value).decode()
    except RecursionError:
        raise Rejected(
            Reason.INVALID_ATTRIBUTES, "an array is nested too deep; flatten it"
        ) from None


def identifier(value: object) -> object:
    """An id as text: compatibility clients send numbers too. Other values stay as they are."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def hashed_user(value: object, *, salt: str, field: str) -> str | None:
    """What stands for a user: the hash of the id under the org's salt; None for nobody.

    Raises Rejected (INVALID_IDENTIFIER) for what is no id, without repeating it.
    """
    text = identifier(value)
    if text is None:
        return None
    if not isinstance(text, str):
        raise Rejected(
            Reason.INVALID_IDENTIFIER,
            "it is neither text nor a whole number; send the user's id as one of them",
            field=field,
        )
    return user_hash(salt, text) or None
