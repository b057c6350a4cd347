"""`seamark org|app|key|token|audit|apply` as processes, against the API on a real log."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.admin_stack import OPERATOR, ORG_ADMIN, Administered, administered
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
TENANTS = """
orgs:
  acme:
    plan: team
    apps:
      shop: {platform: web, lateWindowSeconds: 3600}
      kiosk: {platform: android}
  umbra:
    apps:
      site:
"""


@pytest.fixture
async def ask(server: NatsServer) -> AsyncIterator[Administered]:
    async with administered(server) as running:
        yield running


async def command(ask: Administered, *words: str, token: str = OPERATOR) -> tuple[int, str, str]:
    """Run `seamark`; its exit code and what it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SEAMARK_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "seamark", *words,
        env={**clean, "SEAMARK_ADMIN_URL": ask.api.url, "SEAMARK_ADMIN_TOKEN": token},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    assert "Traceback" not in err.decode()
    return process.returncode, out.decode(), err.decode()


async def test_one_thing_at_a_time(ask: Administered) -> None:
    code, out, _ = await command(ask, "app", "create", "acme/new", "lateWindowSeconds=3600",
                                 'origins=["https://a.example"]', "--json")  # fmt: skip
    made = json.loads(out)
    assert (code, made["lateWindowSeconds"]) == (0, 3600)
    assert ask.registry.key(made["apiKey"]["key"]) is not None
    code, out, _ = await command(ask, "key", "rotate", "acme/new", "--grace", "60", "--json")
    assert json.loads(out)["replaces"][0]["keyId"] == made["apiKey"]["keyId"]
    code, out, _ = await command(ask, "app", "set", "new", "platform=ios", token=ORG_ADMIN)
    assert "platform: ios" in out
    code, out, _ = await command(ask, "app", "list", "--org", "acme")
    assert [line.split()[0] for line in out.splitlines()] == ["appId", "blog", "new", "shop"]
    code, _, err = await command(ask, "app", "delete", "acme/new")
    assert (code, "?confirm=new" in err) == (1, True)
    code, out, _ = await command(ask, "app", "delete", "acme/new", "--confirm", "new")
    assert (code, "deleted: new" in out) == (0, True)
    code, out, _ = await command(ask, "audit", "--org", "acme", "--json")
    assert json.loads(out)["changes"][0]["action"] == "app.delete"
    code, out, _ = await command(ask, "token", "create", "query", "acme/shop", "--name", "ci")
    assert "token: smq_" in out
    code, _, err = await command(ask, "org", "create", "next", token=ORG_ADMIN)
    assert (code, "wrong_kind_of_token" in err) == (1, True)
    code, _, err = await command(ask, "app", "set", "acme/shop", "nonsense")
    assert (code, "SETTING=VALUE" in err) == (2, True)


async def test_a_file_is_applied_once_and_pruned_on_request(
    ask: Administered, tmp_path: Path
) -> None:
    path, secrets = tmp_path / "tenants.yaml", tmp_path / "keys.json"
    path.write_text(TENANTS)
    words = ("apply", "-f", str(path))

    code, out, _ = await command(ask, *words, "--dry-run")
    assert (code, out.splitlines()[-1]) == (0, "3 to add, 2 to change")
    assert "umbra" not in ask.registry.orgs
    code, _, err = await command(ask, *words)
    assert (code, "--secrets FILE" in err) == (2, True)
    assert "umbra" not in ask.registry.orgs

    code, out, _ = await command(ask, *words, "--secrets", str(secrets))
    assert (code, "app umbra/site: created" in out) == (0, True)
    assert ask.registry.apps["acme", "shop"].late_window_seconds == 3600
    assert ask.registry.orgs["acme"].plan == "team"
    assert secrets.stat().st_mode & 0o777 == 0o600
    kept = json.loads(secrets.read_text())
    assert set(kept) == {"acme/kiosk", "umbra/site"}
    for name, key in kept.items():
        record = ask.registry.key(key)
        assert record is not None
        assert f"{record.org}/{record.app}" == name
        assert key not in out

    code, out, _ = await command(ask, *words)
    assert (code, out) == (0, "nothing to do: it is as the file says\n")
    assert ("acme", "blog") in ask.registry.apps
    code, out, _ = await command(ask, *words, "--prune")
    assert (code, "app acme/blog: deleted" in out, "org other: deleted" in out) == (0, True, True)
    assert set(ask.registry.apps) == {("acme", "shop"), ("acme", "kiosk"), ("umbra", "site")}


async def test_a_key_whose_answer_was_lost_is_fetched_by_the_next_run(
    ask: Administered, tmp_path: Path
) -> None:
    """The process died between the answer and the file."""
    path, secrets = tmp_path / "tenants.yaml", tmp_path / "keys.json"
    path.write_text("orgs: {acme: {apps: {kiosk: {platform: android}}}}")
    secrets.write_text(json.dumps({"pending": {"acme/kiosk": "once"}}))
    body = {"appId": "kiosk", "orgId": "acme", "platform": "android"}
    made = await ask.made("POST", "/v1/admin/apps", json.dumps(body).encode(),
                          Idempotency_Key="once")  # fmt: skip

    code, _, err = await command(ask, "apply", "-f", str(path), "--secrets", str(secrets))

    assert (code, err) == (0, "")
    assert json.loads(secrets.read_text()) == {"acme/kiosk": made["apiKey"]["key"]}


async def test_what_is_wrong_is_said_before_anything_is_done(
    ask: Administered, tmp_path: Path
) -> None:
    path = tmp_path / "tenants.yaml"
    path.write_text("orgs: {umbra: {}, acme: {apps: {shop: {lateWindowSeconds: 7}}}}")
    code, _, err = await command(ask, "apply", "-f", str(path))
    assert (code, "orgs.acme.apps.shop.lateWindowSeconds" in err) == (2, True)
    assert "umbra" not in ask.registry.orgs
