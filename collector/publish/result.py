"""How one attempt to give the log a message ended. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Acked:
    """The log has the message, at `sequence` of its stream."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Problem:
    """An attempt without an acknowledgement that can be relied on.

    `final`: the log has refused it, and will for a while; `indeterminate`: the log may have the
    message all the same.
    """

    reason: str
    text: str
    final: bool = False
    indeterminate: bool = False
