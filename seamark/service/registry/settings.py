"""What an administrator may set on an org, an app and a key. Pure.

A field added here is a field of the record: it can be set and read through the routes of
`api/admin`, declared in the file of `seamark apply`, and is described in `/openapi.json`.
`README.md` beside this says how to add one.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from seamark.service.registry.limits import Limits, OrgLimits
from seamark.wire.limits import LATE_WINDOW_SECONDS
from seamark.wire.privacy import AttributeLists, Redaction

_LONGEST_TEXT: Final = 200
_MOST_ORIGINS: Final = 100
_DAY_SECONDS: Final = 86_400

Text = Annotated[str, Meta(max_length=_LONGEST_TEXT)]
Origin = Annotated[
    str,
    Meta(
        max_length=_LONGEST_TEXT,
        pattern=r"^(\*|[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/]+|null)$(?!\n)",
        description="`https://shop.example`, `https://*.shop.example`, or `*` for any.",
    ),
]


class OrgSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of an org."""

    name: Annotated[Text, Meta(description="What people call it.", examples=["Acme"])] = ""
    plan: Annotated[Text, Meta(description="A label of your own.", examples=["free"])] = "free"
    limits: Annotated[
        OrgLimits | None, Meta(description="What all its keys together may send at most.")
    ] = None


class AppSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of an app: how its telemetry is treated."""

    platform: Annotated[
        Text, Meta(description="What it runs on, for people.", examples=["web"])
    ] = ""
    sampling_rate: Annotated[
        float,
        Meta(
            ge=1,
            le=1,
            description="The share of telemetry that is kept: 1, as long as there is no sampling.",
            examples=[1.0],
        ),
    ] = 1.0
    origins: Annotated[
        list[Origin],
        Meta(max_length=_MOST_ORIGINS, description="Origins that browsers may send from."),
    ] = msgspec.field(default_factory=lambda: ["*"])
    late_window_seconds: Annotated[
        int,
        Meta(
            ge=60,
            le=30 * _DAY_SECONDS,
            description="How old an item may be that is taken, in seconds.",
            examples=[LATE_WINDOW_SECONDS],
        ),
    ] = LATE_WINDOW_SECONDS
    time_source: Annotated[
        Literal["device", "received"],
        Meta(description="Whether the device's clock counts, or the time of receipt."),
    ] = "device"
    redaction: Annotated[
        Redaction, Meta(description="What is changed in telemetry before it is stored.")
    ] = Redaction()
    attributes: Annotated[AttributeLists, Meta(description="Which attributes are kept.")] = (
        AttributeLists()
    )


class KeySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of an ingest key."""

    name: Annotated[Text, Meta(description="What it is for.", examples=["checkout"])] = ""
    limits: Annotated[Limits | None, Meta(description="What it may send at most.")] = None
