"""`seamark doctor`: whether a sender on this machine would be heard, and what is in its way.

It sends requests without items: nothing is stored. Each finding names what was looked at, and what
would help where it is not good.
"""

import email.utils
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from seamark.sender.asking import Answer, Unreachable, ask
from seamark.sender.grpc_export import GrpcUnavailable, export_nothing
from seamark.sender.target import Target

Verdict = Literal["ok", "warning", "fault"]
SKEW_S: Final = 5.0
LATE_S: Final = 60.0
SIZES: Final = (64 * 1024, 1024 * 1024, 8 * 1024 * 1024)
_EMPTY: Final = b'{"resourceSpans": []}'
_PREFIX: Final = "OTEL_EXPORTER_OTLP_"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    verdict: Verdict
    says: str


def findings(target: Target, environ: Mapping[str, str], *, origin: str = "") -> Iterator[Finding]:
    """One after another, as they are found. Blocks for seconds."""
    yield _file(target)
    try:
        answer = ask(f"{target.ingest}/readyz", ca=target.ca)
    except Unreachable as error:
        yield Finding("reachable", "fault", f"{error}. Is it up (`seamark status`)?")
        yield from _variables(target, environ)
        return
    yield _ready(target, answer)
    yield _clock(answer)
    yield _key(target)
    yield _grpc(target)
    yield _sizes(target)
    if origin:
        yield from _cors(target, origin)
    yield from _variables(target, environ)


def _file(target: Target) -> Finding:
    mode = stat.S_IMODE(target.file.stat().st_mode)
    if mode & 0o077:
        why = f"{target.file} can be read by others ({mode:04o}): chmod 600 {target.file}"
        return Finding("credentials", "warning", why)
    return Finding("credentials", "ok", f"{target.file} is for its owner alone")


def _ready(target: Target, answer: Answer) -> Finding:
    answers = f"{target.ingest} answers after {1000 * answer.seconds:.0f} ms"
    if answer.status == 200:
        return Finding("reachable", "ok", answers)
    if answer.status == 503:
        return Finding("reachable", "fault", f"{answers}, and is not ready: {answer.message}")
    why = f"{answers}, with {answer.status} to /readyz: is that a collector of Seamark's?"
    return Finding("reachable", "fault", why)


def _clock(answer: Answer) -> Finding:
    date = answer.headers.get("date", "")
    try:
        there = email.utils.parsedate_to_datetime(date).timestamp()
    except ValueError:
        return Finding("clock", "warning", "the answer has no date to compare with")
    # Its date has whole seconds, and is of a moment within the request.
    skew = time.time() - answer.seconds / 2 - (there + 0.5)
    words = f"this machine's clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    if abs(skew) <= SKEW_S:
        return Finding("clock", "ok", f"within {SKEW_S:.0f} s of the collector's")
    verdict: Verdict = "warning" if abs(skew) <= LATE_S else "fault"
    return Finding("clock", verdict, f"{words}: times of spans and logs are off by that; set it")


def _post(target: Target, body: bytes, **headers: str) -> Answer:
    sent = {"Content-Type": "application/json", "X-API-Key": target.key, **headers}
    return ask(
        f"{target.ingest}/v1/traces", method="POST", body=body, headers=sent, ca=target.ca,
        seconds=30.0,
    )  # fmt: skip


def _key(target: Target) -> Finding:
    try:
        answer = _post(target, _EMPTY)
    except Unreachable as error:
        return Finding("key", "fault", str(error))
    if answer.status == 200:
        return Finding("key", "ok", f"the key in {target.file} is taken, as app {target.app}")
    if answer.status in (401, 403):
        why = f"the key in {target.file} is not taken ({answer.status}: {answer.message})"
        return Finding("key", "fault", f"{why}. Is it of this Seamark, and not disabled?")
    return Finding("key", "fault", f"{answer.status}: {answer.message}")


def _grpc(target: Target) -> Finding:
    address = urlsplit(target.grpc)
    try:
        export_nothing(address.netloc, key=target.key, tls=address.scheme == "https", ca=target.ca)
    except GrpcUnavailable as error:
        why = f"OTLP/gRPC at {address.netloc}: {error}; OTLP/HTTP needs it not"
        return Finding("gRPC", "warning", why)
    return Finding("gRPC", "ok", f"OTLP/gRPC at {address.netloc} takes the key")


def _sizes(target: Target) -> Finding:
    taken = 0
    for size in SIZES:
        try:
            answer = _post(target, _EMPTY + b" " * (size - len(_EMPTY)))
        except Unreachable as error:
            says = f"a body of {_size(size)} does not arrive ({error})"
            break
        if answer.status != 200:
            says = f"a body of {_size(size)} is answered {answer.status}: {answer.message}"
            break
        taken = size
    else:
        return Finding("sizes", "ok", f"bodies of {_size(taken)} arrive")
    return Finding(
        "sizes", "fault", f"{says}. A proxy on the way may have a lower limit than Seamark"
    )


def _size(size: int) -> str:
    return f"{size // 1024} KiB" if size < 1024 * 1024 else f"{size // 1024 // 1024} MiB"


def _cors(target: Target, origin: str) -> Iterator[Finding]:
    try:
        asked = ask(
            f"{target.ingest}/v1/traces",
            method="OPTIONS",
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type,x-api-key",
            },
            ca=target.ca,
        )
        answer = _post(target, _EMPTY, Origin=origin)
    except Unreachable as error:
        yield Finding("CORS", "fault", str(error))
        return
    allowed = asked.headers.get("access-control-allow-origin", "")
    if allowed != origin:
        why = f"the preflight of {origin} is answered for {allowed or 'no origin'}"
        yield Finding("CORS", "fault", f"{why}. Is there a proxy that sets these headers?")
    elif answer.status != 200:
        why = f"a page of {origin} is answered {answer.status}: {answer.message}"
        yield Finding("CORS", "fault", f"{why}. The app's list of origins has to have it")
    else:
        yield Finding("CORS", "ok", f"a page of {origin} may send")
    if origin.startswith("https:") and target.ingest.startswith("http:"):
        why = f"a page of {origin} may not send to {target.ingest}: browsers refuse http from https"
        yield Finding("CORS", "fault", why)


def _variables(target: Target, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What an OpenTelemetry SDK started from this shell would do."""
    endpoint = environ.get(f"{_PREFIX}ENDPOINT", "")
    if not endpoint:
        yield Finding("variables", "ok", "no OTEL_EXPORTER_OTLP_ENDPOINT in this shell")
        return
    protocol = environ.get(f"{_PREFIX}PROTOCOL", "")
    wanted = target.grpc if protocol == "grpc" else target.ingest
    if _place(endpoint) != _place(wanted):
        why = f"{_PREFIX}ENDPOINT is {endpoint}, and {protocol or 'this'} is taken at {wanted}"
        yield Finding("variables", "fault", why)
    headers = dict(
        part.strip().split("=", 1)
        for part in environ.get(f"{_PREFIX}HEADERS", "").split(",")
        if "=" in part
    )
    key = {name.lower(): unquote(value) for name, value in headers.items()}.get("x-api-key")
    if key is None:
        yield Finding("variables", "fault", f"{_PREFIX}HEADERS has no x-api-key")
    elif key != target.key:
        why = f"the x-api-key in {_PREFIX}HEADERS is another than that in {target.file}"
        yield Finding("variables", "fault", why)
    elif _place(endpoint) == _place(wanted):
        yield Finding("variables", "ok", f"{_PREFIX}* send to {endpoint} with the right key")


def _place(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url if "//" in url else f"http://{url}")
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    return parts.scheme, host, parts.port


def run(target: Target, *, origin: str = "", say: Callable[[str], None]) -> int:
    """A line for each finding; the exit code: 1 where something is in the way."""
    worst = 0
    for found in findings(target, os.environ, origin=origin):
        mark = {"ok": "ok     ", "warning": "WARNING", "fault": "FAULT  "}[found.verdict]
        say(f"{mark} {found.what:<12} {found.says}")
        worst = max(worst, found.verdict == "fault")
    return worst
