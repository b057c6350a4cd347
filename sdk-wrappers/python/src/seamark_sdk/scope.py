"""Who and what the current request, task or thread is about: what `identify` and others set."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Scope:
    """Added to every event of the same context (contextvars: a request, a task, a thread)."""

    user: str | None = None
    session: str | None = None
    attributes: dict[str, object] = field(default_factory=dict)


_NOTHING: Final = Scope()
_CURRENT: Final[ContextVar[Scope]] = ContextVar("seamark_scope")


def current() -> Scope:
    """The scope of this request, task or thread."""
    return _CURRENT.get(_NOTHING)


def enter(scope: Scope) -> None:
    """Make it the scope of this request, task or thread from now on."""
    _CURRENT.set(scope)
