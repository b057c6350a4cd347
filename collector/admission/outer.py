"""What stands around the events of a native batch, each member read by itself."""

from typing import Final

import msgspec
from msgspec import Raw, UnsetType

from seamark.wire.failures import Rejected
from seamark.wire.limits import IDENTIFIER_CHARS
from seamark.wire.reasons import Reason

SDK_CHARS: Final = 64
FAULTS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the JSON they should be."""


class Sdk(msgspec.Struct, gc=False):
    """Name and version of what sends."""

    name: str = ""
    version: str = ""


def part(raw: Raw | UnsetType, name: str) -> object:
    """One member by itself; None when it is absent. Raises Rejected (MALFORMED) naming it."""
    if isinstance(raw, UnsetType):
        return None
    try:
        return msgspec.json.decode(raw)
    except FAULTS as error:
        raise Rejected(Reason.MALFORMED, f"{error}; correct it", field=name) from None


def read_sdk(value: object) -> tuple[str, str]:
    """Name and version, given as an object or as text. Raises Rejected (MALFORMED)."""
    if value is None or isinstance(value, str):
        return split_sdk(value or "")
    if isinstance(value, dict):
        name, version = value.get("name", ""), value.get("version", "")
        if isinstance(name, str) and isinstance(version, str):
            return name[:SDK_CHARS], version[:SDK_CHARS]
    raise Rejected(
        Reason.MALFORMED,
        'it is neither {"name", "version"} of text nor text; send one of them',
        field="sdk",
    )


def split_sdk(text: str) -> tuple[str, str]:
    """Name and version of `name/version`."""
    name, _, version = text.partition("/")
    return name[:SDK_CHARS], version[:SDK_CHARS]


def read_text(value: object, name: str, reason: Reason) -> str:
    """A member that is text, "" when absent. Raises Rejected with `reason`."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Rejected(reason, "it is not text; put it in quotes", field=name)
    if len(value) > IDENTIFIER_CHARS:
        raise Rejected(
            reason,
            f"{len(value):,} characters, the limit is {IDENTIFIER_CHARS}; shorten it",
            field=name,
        )
    return value
