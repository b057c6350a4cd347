"""Administration over HTTP on a real log: orgs, apps and keys made, changed and deleted."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.admin_stack import (
    APP_ADMIN,
    ORG_ADMIN,
    Administered,
    administered,
    everything_stored,
)
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
DAY_MS = 86_400_000


@pytest.fixture
async def ask(server: NatsServer) -> AsyncIterator[Administered]:
    async with administered(server) as running:
        yield running


async def test_an_org_an_app_and_its_key_are_made_and_the_key_works(ask: Administered) -> None:
    org = await ask.made("POST", "/v1/admin/orgs", {"orgId": "umbra"})
    assert (org["orgId"], org["name"], org["plan"]) == ("umbra", "umbra", "free")
    assert "salt" not in org
    made = await ask(
        "POST", "/v1/admin/apps", {"orgId": "umbra", "appId": "web", "platform": "web"}
    )

    assert made.status == 201
    assert made.headers["Location"] == "/v1/admin/apps/web"
    app, key = made.body, made.body["apiKey"]
    assert {"appId", "orgId", "platform", "status", "samplingRate", "createdAt"} <= set(app)
    assert re.fullmatch("smk_[A-Za-z0-9]{27}", key["key"])
    record = ask.registry.key(key["key"])
    assert record is not None
    assert (record.org, record.app, record.key_id) == ("umbra", "web", key["keyId"])
    assert len(ask.registry.orgs["umbra"].salt) == 32
    shown = await ask.made("GET", "/v1/admin/apps/web")
    assert "apiKey" not in shown
    assert key["key"] not in await everything_stored(ask)


async def test_a_name_is_taken_once(ask: Administered) -> None:
    again = await ask("POST", "/v1/admin/orgs", {"orgId": "acme"})
    assert again.problem == (409, "already_exists", "orgId")
    again = await ask("POST", "/v1/admin/apps", {"appId": "shop"}, token=ORG_ADMIN)
    assert again.problem == (409, "already_exists", "appId")


async def test_two_who_make_the_same_app_at_once_do_not_both_make_it(ask: Administered) -> None:
    """In one millisecond, so that their records are alike."""
    admin, now_ms = ask.api.context.admin, ask.api.context.clock_ms()
    admin.clock_ms = lambda: now_ms
    body = {"appId": "new", "orgId": "acme"}
    answers = await asyncio.gather(*(ask("POST", "/v1/admin/apps", body) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201, *[409] * 7]
    assert (await ask("POST", "/v1/admin/apps", body)).status == 409
    keys = await ask.made("GET", "/v1/admin/apps/new/keys")
    assert len(keys["keys"]) == 1


async def test_a_patch_changes_what_it_names_and_null_is_the_default(ask: Administered) -> None:
    path = "/v1/admin/apps/shop"
    changed = await ask.made(
        "PATCH",
        path,
        {"lateWindowSeconds": 3600, "origins": ["https://a.example"]},
        token=ORG_ADMIN,
    )
    assert (changed["lateWindowSeconds"], changed["timeSource"]) == (3600, "device")
    assert ask.registry.apps["acme", "shop"].late_window_seconds == 3600

    changed = await ask.made("PATCH", path, {"lateWindowSeconds": None}, token=ORG_ADMIN)
    assert (changed["lateWindowSeconds"], changed["origins"]) == (604_800, ["https://a.example"])
    assert (await ask.made("GET", path, token=ORG_ADMIN)) == changed


async def test_a_lost_race_is_answered_with_what_came_first(ask: Administered) -> None:
    path = "/v1/admin/apps/shop"
    seen = await ask("GET", path, token=ORG_ADMIN)
    etag = seen.headers["ETag"]
    won = await ask("PATCH", path, {"platform": "ios"}, token=ORG_ADMIN, If_Match=etag)
    assert won.headers["ETag"] != etag

    for method, body in (("PATCH", {"platform": "web"}), ("DELETE", None)):
        lost = await ask(f"{method}", f"{path}?confirm=shop" if body is None else path, body,
                         token=ORG_ADMIN, If_Match=etag)  # fmt: skip
        assert lost.problem == (412, "revision_changed", "If-Match")
        assert lost.body["current"] == won.body
        assert lost.headers["ETag"] == won.headers["ETag"]
    assert ask.registry.apps["acme", "shop"].platform == "ios"


async def test_no_change_of_concurrent_writers_is_lost(ask: Administered) -> None:
    """Each changes another field; with If-Match one wins, and no change is overwritten."""
    path = "/v1/admin/apps/shop"
    bodies: list[dict[str, Any]] = [
        {"platform": "ios"},
        {"origins": ["https://b.example"]},
        {"lateWindowSeconds": 3600},
        {"timeSource": "received"},
    ]
    await asyncio.gather(*(ask.made("PATCH", path, body, token=ORG_ADMIN) for body in bodies))
    shown = await ask.made("GET", path, token=ORG_ADMIN)
    for body in bodies:
        assert body.items() <= shown.items()

    etag = (await ask("GET", path, token=ORG_ADMIN)).headers["ETag"]
    answers = await asyncio.gather(
        *(
            ask("PATCH", path, {"platform": f"p{n}"}, token=ORG_ADMIN, If_Match=etag)
            for n in range(8)
        )
    )
    assert sorted(answer.status for answer in answers) == [200, *[412] * 7]
    [won] = [answer for answer in answers if answer.status == 200]
    assert all(a.body["current"] == won.body for a in answers if a.status == 412)


async def test_an_app_is_disabled_and_enabled(ask: Administered) -> None:
    path = "/v1/admin/apps/shop"
    assert (await ask.made("POST", f"{path}:disable", token=APP_ADMIN))["status"] == "disabled"
    assert ask.registry.apps["acme", "shop"].status == "disabled"
    assert (await ask.made("POST", f"{path}:enable", token=APP_ADMIN))["status"] == "active"


async def test_a_rotated_key_works_on_for_its_grace(ask: Administered) -> None:
    path = "/v1/admin/apps/shop/keys"
    [old] = (await ask.made("GET", path, token=APP_ADMIN))["keys"]
    await ask.made("PATCH", f"{path}/{old['keyId']}", {"name": "checkout"}, token=APP_ADMIN)

    made = await ask.made("POST", f"{path}:rotate", {"graceSeconds": 60}, token=APP_ADMIN)

    ends = made["createdAt"] + 60_000
    assert made["replaces"] == [{"keyId": old["keyId"], "expiresAt": ends}]
    kept, new = (await ask.made("GET", path, token=APP_ADMIN))["keys"]
    assert (kept["expiresAt"], new["expiresAt"], new["name"]) == (ends, None, "checkout")
    later = await ask.made("POST", f"{path}:rotate", token=APP_ADMIN)
    assert later["replaces"] == [{"keyId": made["keyId"], "expiresAt": later["createdAt"] + DAY_MS}]


async def test_deleting_needs_the_name_and_answers_what_happens_to_the_data(
    ask: Administered,
) -> None:
    token = await ask.made("POST", "/v1/admin/tokens", {"kind": "query", "appId": "shop"},
                           token=ORG_ADMIN)  # fmt: skip
    path = "/v1/admin/apps/shop"
    for confirm in ("", "?confirm=blog", "?confirm="):
        refused = await ask("DELETE", path + confirm, token=ORG_ADMIN)
        assert refused.problem == (400, "invalid_field", "confirm")
    assert ("acme", "shop") in ask.registry.apps

    gone = await ask.made("DELETE", f"{path}?confirm=shop", token=ORG_ADMIN)

    assert gone["deleted"] == "shop"
    assert "retention" in gone["data"]
    assert ask.registry.app("acme", "shop") is None
    assert ask.registry.key("smk_acme_shop") is None
    assert ask.registry.token(token["token"]) is None
    assert ask.registry.key("smk_other_shop") is not None
    # one of the same name does not bring back the keys of the old one
    await ask.made("POST", "/v1/admin/apps", {"appId": "shop"}, token=ORG_ADMIN)
    assert ask.registry.key("smk_acme_shop") is None


async def test_an_org_is_deleted_after_its_apps_and_its_name_cannot_be_used_again(
    ask: Administered,
) -> None:
    refused = await ask("DELETE", "/v1/admin/orgs/other?confirm=other")
    assert refused.problem == (409, "conflict", "orgId")
    await ask.made("DELETE", "/v1/admin/apps/shop?confirm=shop&orgId=other")
    await ask.made("DELETE", "/v1/admin/orgs/other?confirm=other")
    assert ask.registry.token("sma_other") is None
    again = await ask("POST", "/v1/admin/orgs", {"orgId": "other"})
    assert again.problem == (409, "already_exists", "orgId")
