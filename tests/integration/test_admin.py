"""Administration over HTTP on a real log: what is made, shown once, changed, lost and deleted."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from api.admin.uses import write_uses
from seamark.service.registry import digest
from seamark.wire.buckets import ADMIN_BUCKET, CONFIG_BUCKET
from tests.support.admin_stack import (
    APP_ADMIN,
    OPERATOR,
    ORG_ADMIN,
    QUERY,
    Administered,
    administered,
)
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
DAY_MS = 86_400_000


@pytest.fixture
async def ask(server: NatsServer) -> AsyncIterator[Administered]:
    async with administered(server) as running:
        yield running


async def everything_stored(ask: Administered) -> str:
    """All that lies in the buckets and in the record of changes."""
    js = ask.client.jetstream()
    told = ""
    for stream in (f"KV_{CONFIG_BUCKET}", f"KV_{ADMIN_BUCKET}", "SEAMARK_AUDIT"):
        state = (await js.stream_info(stream)).state
        for sequence in range(max(state.first_seq, 1), state.last_seq + 1):
            try:
                message = await js.get_msg(stream, sequence)
            except Exception:  # noqa: S112  # replaced since
                continue
            told += (message.data or b"").decode()
    return told


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


async def test_a_token_of_another_kind_is_refused_and_the_right_kind_named(
    ask: Administered,
) -> None:
    for path, token, said in (
        ("orgs", ORG_ADMIN, "this is an admin token; use the operator_token"),
        ("orgs", "smk_acme_shop", "this is an ingest key; use the operator_token"),
        ("apps", QUERY, "this is a query token; use the admin_token or the operator_token"),
    ):
        refused = await ask("POST", f"/v1/admin/{path}", {}, token=token)
        assert refused.problem == (403, "wrong_kind_of_token", "")
        assert refused.body["error"]["message"] == said


async def test_a_name_is_taken_once(ask: Administered) -> None:
    again = await ask("POST", "/v1/admin/orgs", {"orgId": "acme"})
    assert again.problem == (409, "already_exists", "orgId")
    again = await ask("POST", "/v1/admin/apps", {"appId": "shop"}, token=ORG_ADMIN)
    assert again.problem == (409, "already_exists", "appId")


async def test_two_who_make_the_same_app_at_once_do_not_both_make_it(ask: Administered) -> None:
    body = {"appId": "new", "orgId": "acme"}
    answers = await asyncio.gather(*(ask("POST", "/v1/admin/apps", body) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201, *[409] * 7]
    keys = await ask.made("GET", "/v1/admin/apps/new/keys")
    assert len(keys["keys"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "secret"),
    [
        ("/v1/admin/apps", {"appId": "new", "orgId": "acme"}, ("apiKey", "key")),
        ("/v1/admin/apps/blog/keys", {"name": "second"}, ("key",)),
        ("/v1/admin/apps/blog/keys:rotate", {"graceSeconds": 60}, ("key",)),
        ("/v1/admin/tokens", {"kind": "query", "orgId": "acme"}, ("token",)),
    ],
)
async def test_a_repeated_request_is_answered_with_the_same_secret(
    ask: Administered, path: str, body: dict[str, Any], secret: tuple[str, ...]
) -> None:
    first = await ask.made("POST", path, body, Idempotency_Key="once")
    records = len(ask.registry.keys), len(ask.registry.tokens)

    assert await ask.made("POST", path, body, Idempotency_Key="once") == first

    assert (len(ask.registry.keys), len(ask.registry.tokens)) == records
    shown: Any = first
    for name in secret:
        shown = shown[name]
    assert shown not in await everything_stored(ask)
    changed = {name: "else" if isinstance(v, str) else 1 for name, v in body.items()} | (
        {"kind": "admin", "orgId": "acme"} if "kind" in body else {}
    )
    reused = await ask("POST", path, changed, Idempotency_Key="once")
    assert reused.problem == (422, "idempotency_key_reused", "Idempotency-Key") or (
        reused.problem == (404, "not_found", "orgId")
    )


async def test_the_same_request_without_a_key_makes_another_secret(ask: Administered) -> None:
    path = "/v1/admin/apps/blog/keys"
    made = [(await ask.made("POST", path))["key"] for _ in range(2)]
    other = [(await ask.made("POST", path, Idempotency_Key=name))["key"] for name in ("a", "b")]
    assert len({*made, *other}) == 4


async def test_a_request_that_was_cut_off_is_finished_by_its_repetition(ask: Administered) -> None:
    """The app was made, its key was not: what a crash in between leaves."""
    body, name = {"appId": "new", "orgId": "acme"}, "once"
    first = await ask.made("POST", "/v1/admin/apps", body, Idempotency_Key=name)
    bucket = await ask.client.jetstream().key_value(CONFIG_BUCKET)
    await bucket.delete(f"key.{digest(first['apiKey']['key'])}")

    assert await ask.made("POST", "/v1/admin/apps", body, Idempotency_Key=name) == first
    assert ask.registry.key(first["apiKey"]["key"]) is not None


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


async def test_a_lost_race_is_told_what_came_first(ask: Administered) -> None:
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
    """Each changes another field; those with If-Match win or are told, and nobody overwrites."""
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


async def test_deleting_needs_the_name_and_says_what_becomes_of_the_data(
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


async def test_an_org_goes_after_its_apps_and_its_name_is_not_given_away(
    ask: Administered,
) -> None:
    refused = await ask("DELETE", "/v1/admin/orgs/other?confirm=other")
    assert refused.problem == (409, "conflict", "orgId")
    await ask.made("DELETE", "/v1/admin/apps/shop?confirm=shop&orgId=other")
    await ask.made("DELETE", "/v1/admin/orgs/other?confirm=other")
    assert ask.registry.token("sma_other") is None
    again = await ask("POST", "/v1/admin/orgs", {"orgId": "other"})
    assert again.problem == (409, "already_exists", "orgId")


async def test_a_token_has_a_name_an_end_and_a_last_use(ask: Administered) -> None:
    ends = ask.api.context.clock_ms() + DAY_MS
    made = await ask.made(
        "POST", "/v1/admin/tokens",
        {"kind": "admin", "name": "ci", "orgId": "acme", "expiresAt": ends},
    )  # fmt: skip
    await ask.made("GET", "/v1/admin/apps", token=made["token"])
    memory = await ask.client.jetstream().key_value(ADMIN_BUCKET)
    revision = (await ask.client.jetstream().stream_info(f"KV_{ADMIN_BUCKET}")).state.last_seq
    written: dict[str, int] = {}
    await write_uses(memory, ask.registry, written)
    await write_uses(memory, ask.registry, written)
    ask.registry.used.clear()  # as in a process that has not seen it

    listed = (await ask.made("GET", "/v1/admin/tokens", token=ORG_ADMIN))["tokens"]
    [shown] = [token for token in listed if token["tokenId"] == made["tokenId"]]
    assert (shown["name"], shown["expiresAt"]) == ("ci", ends)
    assert shown["lastUsedAt"] % 60_000 == 0
    assert 0 <= ask.api.context.clock_ms() - shown["lastUsedAt"] < 2 * 60_000
    assert "token" not in shown
    now = (await ask.client.jetstream().stream_info(f"KV_{ADMIN_BUCKET}")).state.last_seq
    assert now - revision == 2  # this token and the operator's: once each
    assert await ask.made("DELETE", f"/v1/admin/tokens/{made['tokenId']}?confirm={made['tokenId']}")
    assert (await ask("GET", "/v1/admin/apps", token=made["token"])).status == 401


async def test_an_expired_token_is_of_no_use(ask: Administered) -> None:
    record = ask.registry.tokens[digest(ORG_ADMIN)]
    ask.registry.tokens[digest(ORG_ADMIN)] = msgspec.structs.replace(record, expires_at_ms=1)
    refused = await ask("GET", "/v1/admin/apps", token=ORG_ADMIN)
    assert refused.problem == (401, "token_expired", "")


async def test_nobody_deletes_the_token_in_hand(ask: Administered) -> None:
    name = f"tok_{OPERATOR}"
    refused = await ask("DELETE", f"/v1/admin/tokens/{name}?confirm={name}")
    assert refused.problem == (409, "conflict", "tokenId")


async def test_every_change_is_told_with_before_and_after_and_without_secrets(
    ask: Administered,
) -> None:
    made = await ask.made("POST", "/v1/admin/apps", {"appId": "new"}, token=ORG_ADMIN)
    await ask.made("PATCH", "/v1/admin/apps/new", {"timeSource": "received"}, token=ORG_ADMIN)
    await ask("PATCH", "/v1/admin/apps/new", {"platform": "x"}, token=ORG_ADMIN, If_Match='"1"')
    await ask("POST", "/v1/admin/apps", {"appId": "new"}, token=ORG_ADMIN)
    await ask.made("DELETE", "/v1/admin/apps/new?confirm=new", token=ORG_ADMIN)

    changes = (await ask.made("GET", "/v1/admin/audit", token=ORG_ADMIN))["changes"]

    assert [(c["action"], c["outcome"]) for c in changes] == [
        ("app.delete", "done"),
        ("app.create", "refused"),
        ("app.update", "done"),
        ("app.create", "done"),
    ]
    deleted, _, updated, created = changes
    assert {c["by"] for c in changes} == {f"tok_{ORG_ADMIN}"}
    assert {c["address"] for c in changes} == {"127.0.0.1"}
    assert [updated[at]["timeSource"] for at in ("before", "after")] == ["device", "received"]
    assert (created["before"], deleted["after"]) == (None, None)
    assert created["after"]["appId"] == "new"
    assert made["apiKey"]["key"] not in repr(changes)
    assert len((await ask.made("GET", "/v1/admin/audit?limit=1"))["changes"]) == 1


async def test_nothing_is_changed_that_cannot_be_told(ask: Administered) -> None:
    await ask.client.jetstream().delete_stream("SEAMARK_AUDIT")
    refused = await ask("PATCH", "/v1/admin/apps/shop", {"platform": "x"}, token=ORG_ADMIN)
    assert refused.status == 503
    assert ask.registry.apps["acme", "shop"].platform == ""


async def test_without_the_log_nothing_is_half_done(ask: Administered) -> None:
    ask.log.kill()
    body: dict[str, Any] = {"appId": "new"}
    refused = await ask("POST", "/v1/admin/apps", body, token=ORG_ADMIN, Idempotency_Key="once")
    assert (refused.status, refused.body["error"]["reason"]) == (503, "unavailable")
    assert (await ask("GET", "/v1/admin/apps", token=ORG_ADMIN)).status == 200  # from memory
    ask.log.start()
    async with asyncio.timeout(10):
        await ask.client.flush()
    made = await ask.made("POST", "/v1/admin/apps", body, token=ORG_ADMIN, Idempotency_Key="once")
    assert ask.registry.key(made["apiKey"]["key"]) is not None
