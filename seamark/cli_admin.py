"""`seamark org|app|key|token|audit`. As in `seamark.cli`, nothing is imported before it is needed.

An app is named `ORG/APP`, or `APP` where one org has it. Settings are `name=value` in the names of
HTTP; a value is JSON, or text where it is none.
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
org: Final = typer.Typer(help="Orgs.", no_args_is_help=True)
app: Final = typer.Typer(help="Apps, named ORG/APP.", no_args_is_help=True)
key: Final = typer.Typer(help="Ingest keys of an app.", no_args_is_help=True)
token: Final = typer.Typer(help="Query, admin and operator tokens.", no_args_is_help=True)

Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Folder of a running stack.")
]
Json = Annotated[bool, typer.Option("--json", help="Print it for programs.")]
Settings = Annotated[
    list[str] | None, typer.Argument(metavar="[SETTING=VALUE]...", help="platform=ios")
]
OrgName = Annotated[str, typer.Argument(metavar="ORG")]
AppName = Annotated[str, typer.Argument(metavar="[ORG/]APP")]
Confirm = Annotated[str, typer.Option(metavar="NAME", help="The name again.")]


def register(parent: typer.Typer) -> None:
    """Add the commands to `seamark`."""
    for name, group in (("org", org), ("app", app), ("key", key), ("token", token)):
        parent.add_typer(group, name=name)
    parent.command()(audit)


@org.command("create")
def org_create(
    name: OrgName, settings: Settings = None, json: Json = False, data: Data = None
) -> None:
    """Make an org."""
    _ask("POST", "/v1/admin/orgs", {"orgId": name, **_set(settings)}, data=data, json=json)


@org.command("list")
def org_list(json: Json = False, data: Data = None) -> None:
    """List the orgs there are."""
    _ask("GET", "/v1/admin/orgs", data=data, json=json)


@org.command("set")
def org_set(
    name: OrgName, settings: Settings = None, json: Json = False, data: Data = None
) -> None:
    """Change settings of an org; without any, show it."""
    changed = _set(settings)
    _ask("PATCH" if changed else "GET", _org(name), changed or None, data=data, json=json)


@org.command("delete")
def org_delete(name: OrgName, confirm: Confirm = "", json: Json = False, data: Data = None) -> None:
    """Delete an org that has no apps."""
    _ask("DELETE", _org(name), query={"confirm": confirm}, data=data, json=json)


@app.command("create")
def app_create(
    name: AppName, settings: Settings = None, json: Json = False, data: Data = None
) -> None:
    """Make an app. Its first key is printed, this once."""
    owner, own = _app(name)
    body = {"appId": own, **({"orgId": owner} if owner else {}), **_set(settings)}
    _ask("POST", "/v1/admin/apps", body, data=data, json=json, secret=True)


@app.command("list")
def app_list(
    in_org: Annotated[str, typer.Option("--org", metavar="ORG", help="Of this org.")] = "",
    json: Json = False,
    data: Data = None,
) -> None:
    """List the apps there are."""
    _ask("GET", "/v1/admin/apps", query={"orgId": in_org}, data=data, json=json)


@app.command("set")
def app_set(
    name: AppName, settings: Settings = None, json: Json = False, data: Data = None
) -> None:
    """Change settings of an app; without any, show it."""
    changed = _set(settings)
    _of_app(name, "PATCH" if changed else "GET", "", changed or None, data=data, json=json)


@app.command("disable")
def app_disable(name: AppName, json: Json = False, data: Data = None) -> None:
    """Take nothing more from an app."""
    _of_app(name, "POST", ":disable", data=data, json=json)


@app.command("enable")
def app_enable(name: AppName, json: Json = False, data: Data = None) -> None:
    """Take from an app again."""
    _of_app(name, "POST", ":enable", data=data, json=json)


@app.command("delete")
def app_delete(name: AppName, confirm: Confirm = "", json: Json = False, data: Data = None) -> None:
    """Delete an app, its keys and its tokens."""
    _of_app(name, "DELETE", "", query={"confirm": confirm}, data=data, json=json)


@key.command("list")
def key_list(name: AppName, json: Json = False, data: Data = None) -> None:
    """List the keys of an app, without their secrets."""
    _of_app(name, "GET", "/keys", data=data, json=json)


@key.command("create")
def key_create(
    name: AppName, settings: Settings = None, json: Json = False, data: Data = None
) -> None:
    """Make a further key. It is printed, this once."""
    _of_app(name, "POST", "/keys", _set(settings), data=data, json=json, secret=True)


@key.command("rotate")
def key_rotate(
    name: AppName,
    grace: Annotated[
        int, typer.Option(metavar="SECONDS", help="How long the old ones work on.", min=0)
    ] = 86_400,
    only: Annotated[
        str, typer.Option("--key", metavar="KEY", help="Replace this key; default all.")
    ] = "",
    json: Json = False,
    data: Data = None,
) -> None:
    """Make a key in place of others, which work on for a while. It is printed, this once."""
    body = {"graceSeconds": grace, **({"keyId": only} if only else {})}
    _of_app(name, "POST", "/keys:rotate", body, data=data, json=json, secret=True)


@key.command("set")
def key_set(
    name: AppName,
    key_id: Annotated[str, typer.Argument(metavar="KEY")],
    settings: Settings = None,
    json: Json = False,
    data: Data = None,
) -> None:
    """Change settings of a key."""
    _of_app(name, "PATCH", f"/keys/{_quoted(key_id)}", _set(settings), data=data, json=json)


@key.command("delete")
def key_delete(
    name: AppName,
    key_id: Annotated[str, typer.Argument(metavar="KEY")],
    confirm: Confirm = "",
    json: Json = False,
    data: Data = None,
) -> None:
    """Delete a key at once."""
    path = f"/keys/{_quoted(key_id)}"
    _of_app(name, "DELETE", path, query={"confirm": confirm}, data=data, json=json)


@token.command("create")
def token_create(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="query, admin or operator")],
    scope: Annotated[
        str, typer.Argument(metavar="[ORG[/APP]]", help="What it is for; none: operator.")
    ] = "",
    name: Annotated[str, typer.Option(metavar="TEXT", help="What it is used for.")] = "",
    expires: Annotated[
        int, typer.Option(metavar="MS", help="Until when it works, epoch ms; 0: always.", min=0)
    ] = 0,
    json: Json = False,
    data: Data = None,
) -> None:
    """Make a token. It is printed, this once."""
    owner, _, own = scope.partition("/")
    fields = {"kind": kind, "name": name, "orgId": owner, "appId": own, "expiresAt": expires}
    body = {field: value for field, value in fields.items() if value}
    _ask("POST", "/v1/admin/tokens", body, data=data, json=json, secret=True)


@token.command("list")
def token_list(
    in_org: Annotated[str, typer.Option("--org", metavar="ORG", help="Of this org.")] = "",
    json: Json = False,
    data: Data = None,
) -> None:
    """List tokens, without their secrets, and when they were last used."""
    _ask("GET", "/v1/admin/tokens", query={"orgId": in_org}, data=data, json=json)


@token.command("delete")
def token_delete(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id, tok_…")],
    confirm: Confirm = "",
    json: Json = False,
    data: Data = None,
) -> None:
    """Delete a token at once."""
    path = f"/v1/admin/tokens/{_quoted(token_id)}"
    _ask("DELETE", path, query={"confirm": confirm}, data=data, json=json)


def audit(
    in_org: Annotated[str, typer.Option("--org", metavar="ORG", help="Of this org.")] = "",
    limit: Annotated[int, typer.Option(metavar="N", help="At most so many.", min=1)] = 20,
    json: Json = False,
    data: Data = None,
) -> None:
    """Tell who changed what, the latest first."""
    query = {"orgId": in_org, "limit": str(limit)}
    _ask("GET", "/v1/admin/audit", query=query, data=data, json=json)


def _of_app(
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
    owner, own = _app(name)
    path = f"/v1/admin/apps/{_quoted(own)}{more}"
    _ask(
        method, path, body, query={"orgId": owner, **(query or {})},
        data=data, json=json, secret=secret,
    )  # fmt: skip


def _ask(
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    query: Mapping[str, str] | None = None,
    data: Path | None,
    json: bool,
    secret: bool = False,
) -> None:
    """One request; its answer is printed."""
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


def _set(given: Sequence[str] | None) -> dict[str, Any]:
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


def _app(name: str) -> tuple[str, str]:
    owner, slash, own = name.partition("/")
    return (owner, own) if slash else ("", owner)


def _org(name: str) -> str:
    return f"/v1/admin/orgs/{_quoted(name)}"


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="") or _fail("a name is missing", USAGE)


def _fail(message: str, code: int) -> NoReturn:
    print(f"seamark: {message}", file=sys.stderr)
    raise typer.Exit(code)
