"""One event as a document, made to fit, scrubbed of nothing that the caller said himself."""

import traceback
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry import trace

from seamark_sdk.core.fingerprint import Frame, fingerprint
from seamark_sdk.core.fitting import (
    IDENTIFIER_CHARS,
    UNIT_CHARS,
    fit_attributes,
    fit_name,
    fit_text,
    fit_value,
)
from seamark_sdk.core.scrub import scrub_text
from seamark_sdk.scope import Scope

_STACK_BYTES: Final = 4096


def make_event(
    *,
    event_id: str,
    ts: int,
    name: str,
    value: object,
    unit: str | None,
    attributes: Mapping[str, object],
    scope: Scope,
) -> dict[str, Any]:
    """An event that the collector takes, whatever it was made of."""
    event: dict[str, Any] = {"id": event_id, "ts": ts, "name": fit_name(name)}
    number = fit_value(value)
    if number is not None:
        event["value"] = number
    if unit:
        event["unit"] = fit_text(unit)[:UNIT_CHARS]
    attrs, _ = fit_attributes(attributes)
    if attrs:
        event["attrs"] = attrs
    if scope.session:
        event["sessionId"] = scope.session[:IDENTIFIER_CHARS]
    if scope.user:
        event["userAnonId"] = scope.user[:IDENTIFIER_CHARS]
    return event


def trace_attributes() -> dict[str, object]:
    """The ids of the current span; none where there is none."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return {}
    return {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}


def exception_attributes(error: BaseException) -> tuple[dict[str, object], str]:
    """What an `exception` event says of an error, and its fingerprint."""
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    message = str(error)
    frames = [
        Frame(frame.filename, frame.name)
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    ]
    mark = fingerprint(name, message, frames)
    stack = "".join(traceback.format_exception(error, chain=False))
    return {
        "exception.type": name,
        "exception.message": scrub_text(fit_text(message)),
        "exception.stacktrace": _end_of(scrub_text(stack)),
        "error.fingerprint": mark,
    }, mark


def _end_of(stack: str) -> str:
    """The end of a traceback, which has the innermost frames, in whole lines."""
    octets = stack.encode("utf-8", "replace")
    if len(octets) <= _STACK_BYTES:
        return octets.decode()
    end = octets[-(_STACK_BYTES - 4) :].partition(b"\n")[2].decode("utf-8", "ignore")
    return f"…\n{end}"
