"""What Grafana answered when it did not do what was asked, as one sentence for a person. Pure."""

import re
from typing import Any, Final

OLDEST: Final = (12, 3)
_NEEDS = (
    "The token needs a service account with the role Admin, or the permissions of docs/grafana.md"
)
_MISSING = re.compile(r"Permissions needed: (.+?)\.?$", re.MULTILINE)


class PushError(Exception):
    """Why a push cannot go on; its text is for the person who asked."""


def explained(status: int, answer: Any, doing: str) -> str:
    """What an HTTP status and Grafana's JSON answer to it mean. `doing`: "read the folder x"."""
    said = message(answer)
    if status == 401:
        return (
            f"Grafana does not know the token (401: {said}). Make one under Administration, "
            "Service accounts, with the role Admin"
        )
    if status == 403:
        missing = _MISSING.search(said)
        what = f"it lacks {missing[1].strip()}" if missing else said
        return f"the token may not {doing} (403): {what}. {_NEEDS}"
    if status in (409, 412):
        return (
            f"could not {doing}: it was changed at the same moment ({status}: {said}). "
            "Push again to see what they did"
        )
    if status == 0:
        return f"could not {doing}: no answer in time ({said})"
    return f"could not {doing}: {status}: {said}"


def message(answer: Any) -> str:
    """The words in an answer; proxies in front of Grafana answer with pages instead."""
    if isinstance(answer, dict):
        return str(answer.get("message") or answer.get("error") or answer)[:500]
    return " ".join(str(answer).split())[:200] or "no word why"


def no_alerting_yet(answer: Any) -> bool:
    """Whether Grafana says that it has not set up alerting in this organization yet."""
    said = str(answer.get("messageId", "")) if isinstance(answer, dict) else ""
    return (
        said.endswith("configMissing") or "no alertmanager configuration" in message(answer).lower()
    )


def version_of(text: str) -> tuple[int, int] | None:
    """Major and minor of "13.0.1+security-01", or None when it is not a version."""
    match = re.match(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def too_old(text: str) -> str:
    """A sentence when this version is older than what a push is made for; else ""."""
    version = version_of(text)
    if version is None or version >= OLDEST:
        return ""
    return f"this Grafana is {text}; a push needs {OLDEST[0]}.{OLDEST[1]} or newer"


def no_plugin(plugin: str) -> str:
    """What to do when the datasource's plugin is not there."""
    return (
        f"the plugin {plugin} is not installed in this Grafana. Put grafana/datasource/dist there "
        f"as plugins/{plugin}, allow it (GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS={plugin}), "
        "restart Grafana and push again; see docs/grafana.md"
    )
