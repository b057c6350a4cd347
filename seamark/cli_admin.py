"""`seamark org|app|audit`, and the registration of `key` and `token`."""

from typing import Annotated, Final

import typer

from seamark import cli_admin_secrets
from seamark.cli_admin_request import (
    AppName,
    Confirm,
    Data,
    InOrg,
    Json,
    Settings,
    app_in,
    ask,
    ask_app,
    quoted,
    settings_in,
)

org: Final = typer.Typer(help="Orgs.", no_args_is_help=True)
app: Final = typer.Typer(help="Apps, named ORG/APP.", no_args_is_help=True)
OrgName = Annotated[str, typer.Argument(metavar="ORG")]


def register(parent: typer.Typer) -> None:
    """Add the commands to `seamark`."""
    for name, group in (("org", org), ("app", app)):
        parent.add_typer(group, name=name)
    cli_admin_secrets.register(parent)
    parent.command()(audit)


@org.command("create")
def org_create(
    name: OrgName, settings: Settings = None, json: Json = False, data: Data = None
) -> None:
    """Make an org."""
    ask("POST", "/v1/admin/orgs", {"orgId": name, **settings_in(settings)}, data=data, json=json)


@org.command("list")
def org_list(json: Json = False, data: Data = None) -> None:
    """List the orgs there are."""
    ask("GET", "/v1/admin/orgs", data=data, json=json)


@org.command("set")
def org_set(
    name: OrgName, settings: Settings = None, json: Json = False, data: Data = None
) -> None:
    """Change settings of an org; without any, show it."""
    changed = settings_in(settings)
    ask("PATCH" if changed else "GET", _org(name), changed or None, data=data, json=json)


@org.command("delete")
def org_delete(name: OrgName, confirm: Confirm = "", json: Json = False, data: Data = None) -> None:
    """Delete an org that has no apps."""
    ask("DELETE", _org(name), query={"confirm": confirm}, data=data, json=json)


@app.command("create")
def app_create(
    name: AppName, settings: Settings = None, json: Json = False, data: Data = None
) -> None:
    """Make an app. Its first key is printed, this once."""
    owner, own = app_in(name)
    body = {"appId": own, **({"orgId": owner} if owner else {}), **settings_in(settings)}
    ask("POST", "/v1/admin/apps", body, data=data, json=json, secret=True)


@app.command("list")
def app_list(
    in_org: InOrg = "",
    json: Json = False,
    data: Data = None,
) -> None:
    """List the apps there are."""
    ask("GET", "/v1/admin/apps", query={"orgId": in_org}, data=data, json=json)


@app.command("set")
def app_set(
    name: AppName, settings: Settings = None, json: Json = False, data: Data = None
) -> None:
    """Change settings of an app; without any, show it."""
    changed = settings_in(settings)
    ask_app(name, "PATCH" if changed else "GET", "", changed or None, data=data, json=json)


@app.command("disable")
def app_disable(name: AppName, json: Json = False, data: Data = None) -> None:
    """Take nothing more from an app."""
    ask_app(name, "POST", ":disable", data=data, json=json)


@app.command("enable")
def app_enable(name: AppName, json: Json = False, data: Data = None) -> None:
    """Take from an app again."""
    ask_app(name, "POST", ":enable", data=data, json=json)


@app.command("delete")
def app_delete(name: AppName, confirm: Confirm = "", json: Json = False, data: Data = None) -> None:
    """Delete an app, its keys and its tokens."""
    ask_app(name, "DELETE", "", query={"confirm": confirm}, data=data, json=json)


def audit(
    in_org: InOrg = "",
    limit: Annotated[int, typer.Option(metavar="N", help="At most so many.", min=1)] = 20,
    json: Json = False,
    data: Data = None,
) -> None:
    """Tell who changed what, the latest first."""
    query = {"orgId": in_org, "limit": str(limit)}
    ask("GET", "/v1/admin/audit", query=query, data=data, json=json)


def _org(name: str) -> str:
    return f"/v1/admin/orgs/{quoted(name)}"
