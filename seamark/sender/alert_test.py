"""`seamark alert test`: one event, followed from the collector to the contact point.

The event is `seamark.alert_test.<severity>`, and the rule of that name fires on it
(`grafana/alerts/rules.py`). What is looked at: the collector's receipt; the API's count; and where
a Grafana is named, its firing alert and what each contact point answered.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from seamark.sender.asking import Answer, Unreachable, ask
from seamark.sender.target import Target

STORED_S: Final = 60.0
FIRES_S: Final = 150.0
SENT_S: Final = 120.0
_PAUSE_S: Final = 1.0
Severity = Literal["warning", "critical"]


class Failed(Exception):
    """How far it got and what is wrong there; its text is for a person."""


@dataclass(frozen=True, slots=True)
class GrafanaAccess:
    """Where the Grafana is that has the rules, and a service account's token."""

    url: str
    token: str
    ca: str = ""

    def get(self, path: str) -> Answer:
        """Blocks. Raises Failed."""
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            answer = ask(f"{self.url.rstrip('/')}{path}", headers=headers, ca=self.ca)
        except Unreachable as error:
            raise Failed(f"Grafana: {error}") from error
        if answer.status in (401, 403):
            raise Failed(
                f"Grafana: its token may not read {path} ({answer.status}: {answer.message}); it "
                "needs a service account with the role Admin"
            )
        return answer


def run(
    target: Target,
    severity: Severity,
    grafana: GrafanaAccess | None,
    *,
    say: Callable[[str], None],
) -> None:
    """Send one and follow it, a line for each step. Blocks for minutes. Raises Failed."""
    began = time.time()
    name = f"seamark.alert_test.{severity}"
    if grafana is not None:
        _not_firing(grafana, severity)
    send(target, name)
    say(f"sent      {name} as {target.app} to {target.ingest}")
    _wait(STORED_S, lambda: stored(target, name, began), "the API does not count it")
    say(f"stored    the API counts it after {time.time() - began:.1f} s")
    if grafana is None:
        say(
            "Grafana   evaluates its rule every 30 s and sends 15 s later: look where alerts go. "
            "--grafana-url and --grafana-token-file follow it there"
        )
        return
    _wait(FIRES_S, lambda: firing(grafana, severity), "no alert of that rule fires in Grafana")
    say(f"fires     in Grafana, after {time.time() - began:.1f} s")
    attempts = _wait(SENT_S, lambda: tried(grafana, began), "Grafana has sent to no contact point")
    for one in attempts:
        say(f"sent to   {one.name} ({one.kind}): {one.error or 'taken'}")
    if wrong := [one.name for one in attempts if one.error]:
        raise Failed(f"not taken by {', '.join(wrong)}")


def _wait(seconds: float, look: Callable[[], Any], why: str) -> Any:
    until = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > until:
            raise Failed(f"{why} within {seconds:g} s")
        time.sleep(_PAUSE_S)
    return found


def send(target: Target, name: str) -> None:
    """One event by the native route. Raises Failed."""
    now = int(time.time() * 1000)
    batch = {"appId": target.app, "batchId": secrets.token_hex(8), "sentAt": now}
    body = msgspec.json.encode({**batch, "events": [{"name": name, "ts": now}]})
    headers = {"Content-Type": "application/json", "X-API-Key": target.key}
    try:
        answer = ask(
            f"{target.ingest}/v1/ingest/batch",
            method="POST", body=body, headers=headers, ca=target.ca,
        )  # fmt: skip
    except Unreachable as error:
        raise Failed(f"collector: {error}") from error
    if answer.status != 202 or answer.json().get("accepted") != 1:
        raise Failed(f"collector: {answer.status}: {answer.message}")


def stored(target: Target, name: str, since: float) -> bool:
    """Whether the API counts the event. Raises Failed where it does not answer as it should."""
    question = {"metric": name, "from": int(since // 60 * 60 * 1000), "granularity": "1m"}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {target.token}"}
    headers["Cache-Control"] = "no-cache"
    try:
        answer = ask(
            f"{target.api}/v1/query/timeseries",
            method="POST", body=msgspec.json.encode(question), headers=headers, ca=target.ca,
        )  # fmt: skip
    except Unreachable as error:
        raise Failed(f"API: {error}") from error
    if answer.status != 200:
        raise Failed(f"API: {answer.status}: {answer.message}")
    return bool(answer.json().get("series"))


def _not_firing(grafana: GrafanaAccess, severity: Severity) -> None:
    if firing(grafana, severity):
        raise Failed(
            "the last test still fires in Grafana, and an alert that fires is not sent again for "
            "four hours: wait until it is resolved, seven minutes after its event"
        )


def firing(grafana: GrafanaAccess, severity: Severity) -> bool:
    """Whether the rule's alert is active. Raises Failed."""
    name = f"alertname%3D%22Test+of+an+alert+of+severity+{severity}%22"
    answer = grafana.get(f"/api/alertmanager/grafana/api/v2/alerts?active=true&filter={name}")
    if answer.status != 200:
        raise Failed(f"Grafana: {answer.status}: {answer.message}")
    return bool(msgspec.json.decode(answer.body, type=list[Any]))


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last notification sent to one contact point; `error` is empty where it was taken."""

    name: str
    kind: str
    error: str


def tried(grafana: GrafanaAccess, since: float) -> list[Attempt]:
    """The contact points that Grafana has sent to since then. Raises Failed."""
    answer = grafana.get("/api/alertmanager/grafana/config/api/v1/receivers")
    if answer.status != 200:
        raise Failed(f"Grafana: {answer.status}: {answer.message}")
    return list(_attempts(msgspec.json.decode(answer.body), since))


def _attempts(receivers: list[Mapping[str, Any]], since: float) -> Iterator[Attempt]:
    for receiver in receivers:
        for each in receiver.get("integrations") or receiver.get("grafana_managed_receiver") or []:
            at = str(each.get("lastNotifyAttempt") or "")
            if at and datetime.fromisoformat(at).timestamp() >= since:
                error = str(each.get("lastNotifyAttemptError") or "")
                yield Attempt(str(receiver["name"]), str(each.get("name", "")), error)
