"""What to do after an answer of an OTLP route: `core.answers` in the words of OTLP/HTTP.

OTLP has no id of a request: one whose answer was lost is sent again, and may count twice.
"""

from collections.abc import Mapping

from seamark_sdk.core.answers import Decision, decide


def decide_otlp(status: int, headers: Mapping[str, str], *, now_ms: int) -> Decision:
    """Source: opentelemetry.io/docs/specs/otlp/#otlphttp-response"""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    ours = media_type in ("application/x-protobuf", "application/json")
    if status == 200 and ours:
        return Decision("done", "accepted")
    if status == 413 or (400 <= status < 500 and ours and status not in (401, 403, 408, 425, 429)):
        return Decision("stop" if status == 404 else "drop", f"http_{status}")
    return decide(status, headers, "", events=1, now_ms=now_ms)
