"""What the commands of administration share: arguments, and a request whose answer is printed.

As in `seamark.cli`, nothing is imported before it is needed. An app is named `ORG/APP`, or `APP`
where one org has it. Settings are `name=value` in the names of HTTP; a value is JSON, or text where
it is none.
"""

import json as json_format
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

FAILED: Final = 1
USAGE: Final = 2
Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Folder of a running stack.")
]
Json = Annotated[bool, typer.Option("--json", help="Print it for programs.")]
Settings = Annotated[
    list[str] | None, typer.Argument(metavar="[SETTING=VALUE]...", help="platform=ios")
]
AppName = Annotated[str, typer.Argument(metavar="[ORG/]APP")]
InOrg = Annotated[str, typer.Option("--org", metavar="ORG", help="Of this org.")]
Confirm = Annotated[str, typer.Option(metavar="NAME", help="The name again.")]


def ask_app(
    name: str,
    method: str,
    more: str,
    body: Mapping[str, Any] | None = None,
    *,
    query: Mapping[str, str] | None = None,
    data: Path | None,
    json: bool,
    secret: bool = False,
) -> None:
    """One request about an app, or about `more` below its address; its answer is printed."""
    owner, own = app_in(name)
    path = f"/v1/admin/apps/{quoted(own)}{more}"
    ask(
        method, path, body, query={"orgId": owner, **(query or {})},
        data=data, json=json, secret=secret,
    )  # fmt: skip


def ask(
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    query: Mapping[str, str] | None = None,
    data: Path | None,
    json: bool,
    secret: bool = False,
) -> None:
    """One request; its answer is printed. `secret`: it makes one, and has an Idempotency-Key."""
    import uuid

    from seamark.administration import access
    from seamark.administration.client import AdminClient, Refused, Unreachable
    from seamark.administration.table import shown

    client = AdminClient(access.find(data, os.environ))
    once = str(uuid.uuid4()) if secret else ""
    try:
        answer = client.ask(method, path, body, query=query, idempotency_key=once)
    except (Refused, Unreachable) as error:
        _fail(str(error), FAILED)
    print(json_format.dumps(answer, indent=2, ensure_ascii=False) if json else shown(answer))


def settings_in(given: Sequence[str] | None) -> dict[str, Any]:
    """`name=value` as settings."""
    made: dict[str, Any] = {}
    for text in given or ():
        name, sign, value = text.partition("=")
        if not sign or not name:
            _fail(f"{text!r} is not SETTING=VALUE", USAGE)
        try:
            made[name] = json_format.loads(value)
        except ValueError:
            made[name] = value
    return made


def app_in(name: str) -> tuple[str, str]:
    """Org, or "" where none is named, and app."""
    owner, slash, own = name.partition("/")
    return (owner, own) if slash else ("", owner)


def quoted(text: str) -> str:
    """A name as one segment of an address. Ends the command where it is empty."""
    from urllib.parse import quote

    return quote(text, safe="") or _fail("a name is missing", USAGE)


def _fail(message: str, code: int) -> NoReturn:
    print(f"seamark: {message}", file=sys.stderr)
    raise typer.Exit(code)
