"""What an app says about the privacy of its telemetry: redaction rules and lists of attributes.

Part of the app's record. Decoding one checks every limit below, so that a record in force can
always be compiled (`collector.admission.redaction`).
"""

from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

Action = Literal["drop", "hash", "mask", "truncate"]
Detector = Literal["email", "card", "phone", "ipv4", "ipv6", "jwt", "bearer", "iban"]
DefaultRule = Literal["user-id", "client-address"]

DETECTORS: Final[tuple[Detector, ...]] = get_args(Detector)
RULES: Final = 32
PATTERNS_OF_A_RULE: Final = 64
PATTERN_CHARS: Final = 128
STARS_OF_A_PATTERN: Final = 8
LIST_PATTERNS: Final = 256
MOST_KEPT_CHARS: Final = 4096

KeyPattern = Annotated[str, Meta(min_length=1, max_length=PATTERN_CHARS)]
"""A key of an attribute in which `*` stands for any text and `?` for one character."""
RuleName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", max_length=64)]


class RedactionRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done to what it finds: whole values by `keys`, parts of any text by `detect`.

    With both, parts of the values of these keys. `keep`: how many characters `truncate` leaves.
    """

    name: RuleName
    action: Action
    keys: Annotated[tuple[KeyPattern, ...], Meta(max_length=PATTERNS_OF_A_RULE)] = ()
    detect: Annotated[tuple[Detector, ...], Meta(max_length=len(DETECTORS))] = ()
    keep: Annotated[int, Meta(ge=0, le=MOST_KEPT_CHARS)] = 8

    def __post_init__(self) -> None:
        if not self.keys and not self.detect:
            raise ValueError(
                f"rule {self.name!r} has neither keys nor detect; say what it applies to"
            )
        check_patterns(self.keys)


class Redaction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of an app, in their order: the first that finds something decides.

    `without` switches off rules that every app has: `user-id`, `client-address`.
    """

    rules: Annotated[tuple[RedactionRule, ...], Meta(max_length=RULES)] = ()
    without: Annotated[tuple[DefaultRule, ...], Meta(max_length=2)] = ()

    def __post_init__(self) -> None:
        names = [rule.name for rule in self.rules]
        for name in get_args(DefaultRule):
            if name in names:
                raise ValueError(f"{name!r} is a rule that every app has; choose another name")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two rules are called {name!r}; give each a name of its own")


class AttributeLists(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which attributes are kept: those of `deny` nowhere; with `allow`, of items only those."""

    allow: Annotated[tuple[KeyPattern, ...], Meta(max_length=LIST_PATTERNS)] = ()
    deny: Annotated[tuple[KeyPattern, ...], Meta(max_length=LIST_PATTERNS)] = ()

    def __post_init__(self) -> None:
        check_patterns(self.allow)
        check_patterns(self.deny)


def check_patterns(patterns: tuple[str, ...]) -> None:
    """Raises ValueError, which msgspec turns into a ValidationError with the path."""
    for pattern in patterns:
        if (stars := pattern.count("*")) > STARS_OF_A_PATTERN:
            raise ValueError(
                f"the pattern {pattern!r} has {stars} stars, the limit is {STARS_OF_A_PATTERN}; "
                "write several patterns"
            )
