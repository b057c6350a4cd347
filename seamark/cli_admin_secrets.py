"""`seamark key|token`: ingest keys of an app; query, admin and operator tokens."""

from typing import Annotated, Final

import typer

from seamark.cli_admin_request import (
    AppName,
    Confirm,
    Data,
    InOrg,
    Json,
    Settings,
    ask,
    ask_app,
    quoted,
    settings_in,
)

key: Final = typer.Typer(help="Ingest keys of an app.", no_args_is_help=True)
token: Final = typer.Typer(help="Query, admin and operator tokens.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add the commands to `seamark`."""
    parent.add_typer(key, name="key")
    parent.add_typer(token, name="token")


@key.command("list")
def key_list(name: AppName, json: Json = False, data: Data = None) -> None:
    """List the keys of an app, without their secrets."""
    ask_app(name, "GET", "/keys", data=data, json=json)


@key.command("create")
def key_create(
    name: AppName, settings: Settings = None, json: Json = False, data: Data = None
) -> None:
    """Make a further key. It is printed, this once."""
    ask_app(name, "POST", "/keys", settings_in(settings), data=data, json=json, secret=True)


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
    ask_app(name, "POST", "/keys:rotate", body, data=data, json=json, secret=True)


@key.command("set")
def key_set(
    name: AppName,
    key_id: Annotated[str, typer.Argument(metavar="KEY")],
    settings: Settings = None,
    json: Json = False,
    data: Data = None,
) -> None:
    """Change settings of a key."""
    ask_app(name, "PATCH", f"/keys/{quoted(key_id)}", settings_in(settings), data=data, json=json)


@key.command("delete")
def key_delete(
    name: AppName,
    key_id: Annotated[str, typer.Argument(metavar="KEY")],
    confirm: Confirm = "",
    json: Json = False,
    data: Data = None,
) -> None:
    """Delete a key at once."""
    path = f"/keys/{quoted(key_id)}"
    ask_app(name, "DELETE", path, query={"confirm": confirm}, data=data, json=json)


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
    ask("POST", "/v1/admin/tokens", body, data=data, json=json, secret=True)


@token.command("list")
def token_list(
    in_org: InOrg = "",
    json: Json = False,
    data: Data = None,
) -> None:
    """List tokens, without their secrets, and when they were last used."""
    ask("GET", "/v1/admin/tokens", query={"orgId": in_org}, data=data, json=json)


@token.command("delete")
def token_delete(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id, tok_…")],
    confirm: Confirm = "",
    json: Json = False,
    data: Data = None,
) -> None:
    """Delete a token at once."""
    path = f"/v1/admin/tokens/{quoted(token_id)}"
    ask("DELETE", path, query={"confirm": confirm}, data=data, json=json)
