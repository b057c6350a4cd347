"""Doing the steps of a plan, one request each, and keeping the secrets that are made."""

from collections.abc import Callable, Iterable, Mapping

from seamark.administration.client import AdminClient, Refused, app_path, org_path
from seamark.administration.plan import Step
from seamark.administration.secrets_file import SecretsFile
from seamark.administration.wanted import WantedOrg


def there(client: AdminClient) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """The orgs and apps there are. Raises Refused, Unreachable."""
    return client.ask("GET", org_path())["orgs"], client.ask("GET", app_path())["apps"]


def do(
    client: AdminClient,
    steps: Iterable[Step],
    *,
    secrets: SecretsFile | None,
    say: Callable[[str], None],
) -> None:
    """Do the steps in turn; what is done stays done when one fails.

    `secrets` holds the keys of apps that are made. Raises Refused, Unreachable, SettingsError.
    """
    for step in steps:
        if step.doing == "create" and step.app:
            _create_app(client, step, secrets)
        elif step.doing == "create":
            client.ask("POST", org_path(), {"orgId": step.org, **step.settings})
        else:
            _change(client, step)
        say(f"{step.name}: {step.doing}d")


def finish(
    client: AdminClient,
    wanted: Mapping[str, WantedOrg],
    steps: Iterable[Step],
    secrets: SecretsFile,
    say: Callable[[str], None],
) -> None:
    """Ask again for keys whose answers were lost, of apps that are there by now.

    The same request is answered with the same key; where the file says something else by now, or
    a day has passed, the app gets a further key. Raises Refused, Unreachable, SettingsError.
    """
    to_be_made = {f"{step.org}/{step.app}" for step in steps if step.doing == "create"}
    for name, key in secrets.pending.items():
        org, _, app = name.partition("/")
        if name in to_be_made:
            continue
        declared = wanted[org].apps.get(app) if org in wanted else None
        if declared is None:
            secrets.end(name, None)
            continue
        body = {"appId": app, "orgId": org, **declared}
        try:
            made = client.ask("POST", app_path(), body, idempotency_key=key)["apiKey"]
        except Refused as refused:
            if refused.status not in (409, 422):
                raise
            path, query = app_path(app, "/keys"), {"orgId": org}
            made = client.ask("POST", path, {}, query=query, idempotency_key=f"{key} again")
        secrets.end(name, str(made["key"]))
        say(f"app {name}: its key, whose answer was lost, is in {secrets.path}")


def _create_app(client: AdminClient, step: Step, secrets: SecretsFile | None) -> None:
    name, key = f"{step.org}/{step.app}", ""
    if secrets is not None:
        key = secrets.begin(name)
    body = {"appId": step.app, "orgId": step.org, **step.settings}
    try:
        made = client.ask("POST", app_path(), body, idempotency_key=key)
    except Refused:
        if secrets is not None:
            secrets.end(name, None)
        raise
    if secrets is not None:
        secrets.end(name, str(made["apiKey"]["key"]))


def _change(client: AdminClient, step: Step) -> None:
    path = app_path(step.app) if step.app else org_path(step.org)
    query = {"orgId": step.org} if step.app else {}
    if step.doing == "update":
        client.ask("PATCH", path, step.settings, query=query)
    else:
        client.ask("DELETE", path, query={**query, "confirm": step.app or step.org})
