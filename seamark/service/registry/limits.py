"""What a key and an org may send at most. Pure.

`docs/limits.md` says how limits are held; `collector/admission/limits` holds them.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

_MOST: Final = 1_000_000_000_000
"""Of a rate or a count; more is no limit in practice."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Limits of a key. null: what the installation says for all (SEAMARK_LIMIT_*). 0: no limit."""

    requests_per_second: (
        Annotated[float, Meta(ge=0, le=_MOST, description="Requests a second.", examples=[50])]
        | None
    ) = None
    bytes_per_second: (
        Annotated[
            float,
            Meta(ge=0, le=_MOST, description="Bytes of bodies a second, as sent.", examples=[1e6]),
        ]
        | None
    ) = None
    items_per_second: (
        Annotated[
            float,
            Meta(ge=0, le=_MOST, description="Accepted items a second.", examples=[1000]),
        ]
        | None
    ) = None
    burst_seconds: (
        Annotated[
            float,
            Meta(
                ge=1,
                le=3600,
                description="For so long of its rates it may send at once after it sent nothing.",
                examples=[10],
            ),
        ]
        | None
    ) = None
    items_per_month: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=_MOST,
                description="Accepted items in a calendar month (UTC).",
                examples=[100_000_000],
            ),
        ]
        | None
    ) = None


class OrgLimits(Limits, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Limits of an org: of all its keys together."""

    log_percent: (
        Annotated[
            float,
            Meta(
                gt=0,
                le=100,
                description="Share of each stream of the log that it may fill, in percent.",
                examples=[30],
            ),
        ]
        | None
    ) = None
