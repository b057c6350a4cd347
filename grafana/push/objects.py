"""What stands in a Grafana, and what should: values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal

Kind = Literal["folder", "datasource", "dashboard", "contact point", "alert rule", "rule group"]
KINDS: Final[tuple[Kind, ...]] = (
    "folder",
    "datasource",
    "dashboard",
    "contact point",
    "alert rule",
    "rule group",
)
PREFIX: Final = "seamark-"
TAG: Final = "managed-by-seamark"
LABEL: Final = ("managed_by", "seamark")
DATASOURCE_UID: Final = "seamark"
DATASOURCE_TYPE: Final = "seamark-datasource"
DASHBOARD_FOLDER: Final = "seamark"
ALERT_FOLDER: Final = "seamark-alerts"
MARK: Final = "seamark grafana push"
REDACTED: Final = "[REDACTED]"


class Owner(Enum):
    """Whose something is: only what is OURS is ever changed or deleted."""

    OURS = "ours"
    OTHERS = "others'"
    FILES = "provisioned from files"


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Something that should stand in Grafana. `secrets`: paths in `body` -> where they come from.

    An empty `title` of a folder, and an address or token that a datasource's body lacks, mean:
    whatever is there may stay.
    """

    kind: Kind
    uid: str
    title: str
    body: Mapping[str, Any]
    secrets: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    digest: str = ""

    @property
    def key(self) -> tuple[Kind, str]:
        """What there can be only one of."""
        return (self.kind, self.uid)


@dataclass(frozen=True, slots=True)
class Found:
    """Something that stands in Grafana. `stamp`: digest of what a push last saved there."""

    kind: Kind
    uid: str
    title: str
    owner: Owner
    body: Mapping[str, Any]
    folder: str = ""
    stamp: str = ""
    version: int = 0
    edited_by: str = ""
    """The user who saved it last, when that was no push."""

    @property
    def key(self) -> tuple[Kind, str]:
        """What there can be only one of."""
        return (self.kind, self.uid)


def is_ours(uid: str, marks: Mapping[str, str] | list[str]) -> bool:
    """Whether a dashboard's tags or a rule's labels, and its uid, say that a push made it.

    Both: a copy made in Grafana keeps the mark but has another uid, and a uid alone may be chance.
    """
    if not uid.startswith(PREFIX):
        return False
    if isinstance(marks, list):
        return TAG in marks
    return marks.get(LABEL[0]) == LABEL[1]
