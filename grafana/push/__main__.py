"""One push. Reads a JSON object from stdin (see `Order`), so that no secret is ever in argv.

Exit codes: 0 done, or nothing to do; 1 refused or failed; 2 `--dry-run` found differences.
"""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from grafana.push import remote, report
from grafana.push.carry_out import carry_out
from grafana.push.connection import GrafanaConnection
from grafana.push.failures import PushError
from grafana.push.objects import DATASOURCE_UID
from grafana.push.plan import PushPlan, plan
from grafana.push.wanted import PushOptions, wish

DONE: Final = 0
FAILED: Final = 1
DIFFERS: Final = 2
_SHOWN_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for. `files`: the folder provisioning/grafana; `ca`: a file, "" for usual."""

    url: str
    files: str
    token: str = field(repr=False)
    choices: PushOptions = field(repr=False)
    dry_run: bool = False
    overwrite: bool = False
    renew_secrets: bool = False
    ca: str = ""
    insecure: bool = False


def main() -> int:
    """Read the order, carry it out, say so."""
    given = json.load(sys.stdin)
    order = Order(**given | {"choices": PushOptions(**given["choices"])})
    try:
        return push(order)
    except PushError as error:
        _say([f"seamark: {error}"], to_stderr=True)
        return FAILED


def push(order: Order) -> int:
    """Look, compare, and unless this is a dry run, do; returns the exit code."""
    wanted = wish(_texts(Path(order.files)), order.choices, os.environ)
    verify: bool | str = not order.insecure and (order.ca or True)
    to = GrafanaConnection(order.url, order.token, verify=verify)
    version = to.check()
    _say([f"Grafana {version or 'of a hidden version'} at {to.url}"])
    if order.choices.datasource:
        remote.check_datasource(to, order.choices.datasource)
    to.wait_for_alerting(lambda line: _say([line]))
    made = plan(
        wanted.objects,
        remote.read(to, wanted.objects),
        overwrite=order.overwrite,
        renew_secrets=order.renew_secrets,
    )
    _say(f"note: {note}" for note in (*wanted.notes, *made.notes))
    if order.dry_run:
        _say(report.listing(made, most=None))
    if made.refusals:
        _say(report.refusal(made), to_stderr=True)
        return FAILED
    if order.dry_run:
        _say([report.summary(made)])
        return DIFFERS if made.changes else DONE
    _do(to, made)
    if wrong := remote.health(to, order.choices.datasource or DATASOURCE_UID):
        _say([f"warning: Grafana's check of the datasource fails: {wrong}"], to_stderr=True)
    return DONE


def _do(to: GrafanaConnection, made: PushPlan) -> None:
    _say(report.listing(made, most=_SHOWN_LINES))
    for number, step in enumerate(made.changes):
        try:
            carry_out(to, step)
        except PushError as error:
            rest = len(made.changes) - number
            raise PushError(
                f"{error}\n{number} of {len(made.changes)} changes were made, {rest} were not; "
                "the next push makes the rest"
            ) from None
    _say([report.done(made)])


def _texts(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".yaml"))
    if not paths:
        raise PushError(f"{folder} holds nothing to push")
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in paths}


def _say(lines: Iterable[Any], *, to_stderr: bool = False) -> None:
    for line in lines:
        print(line, file=sys.stderr if to_stderr else sys.stdout, flush=True)


if __name__ == "__main__":
    sys.exit(main())
