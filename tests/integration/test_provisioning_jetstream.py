"""The log's layout on a real nats-server: created, kept, changed where it may be, refused else."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.client import Client as NatsClient
from nats.js.api import StorageType, StreamConfig
from nats.js.errors import APIError, KeyNotFoundError

from provisioning.credentials import read_or_create, seed
from provisioning.jetstream.apply import apply, check_sync
from seamark.service.connections import LogSettings, connect_log
from seamark.service.registry import Registry, digest
from seamark.service.settings import SettingsError
from seamark.wire.buckets import CONFIG_BUCKET, DEAD_STREAM, POSITIONS_BUCKET
from seamark.wire.signals import Signal, stream_name, subject
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
MEBIBYTE = 1024 * 1024


@pytest.fixture
def server(tmp_path: Path) -> "NatsServer":
    return NatsServer(tmp_path / "nats")


@pytest.fixture
def settings(server: NatsServer) -> LogSettings:
    return LogSettings(
        url=server.url, monitor_url=server.monitor_url, max_bytes=4 * MEBIBYTE, partitions=2
    )


@pytest.fixture
async def client(server: NatsServer, settings: LogSettings) -> AsyncIterator[NatsClient]:
    with server:
        connection = await connect_log(settings, name="test")
        yield connection
        await connection.close()


async def test_everything_is_created_once(client: NatsClient, settings: LogSettings) -> None:
    created = await apply(client, settings)

    assert len(created) == len(Signal) * 2 + 5
    assert await apply(client, settings) == []
    js = client.jetstream()
    for signal in Signal:
        for partition in range(2):
            info = await js.stream_info(stream_name(signal, partition))
            assert info.config.subjects == [subject(signal, partition)]
            assert info.config.discard == "new"
            assert info.config.max_bytes == 4 * MEBIBYTE
            assert info.config.max_age == 7 * 86400
            assert info.config.duplicate_window == 120
            assert info.config.allow_direct
            assert info.config.allow_atomic
            assert info.config.compression in (None, "none")
    assert (await js.stream_info(DEAD_STREAM)).config.subjects == ["seamark.dead.>"]


async def test_the_buckets_are_ordinary_ones(client: NatsClient, settings: LogSettings) -> None:
    await apply(client, settings)

    for name in (CONFIG_BUCKET, POSITIONS_BUCKET):
        bucket = await client.jetstream().key_value(name)
        revision = await bucket.create("here", b"1")
        await bucket.update("here", b"2", last=revision)
        assert (await bucket.get("here")).value == b"2"
        assert (await bucket.status()).history == 1


async def test_what_may_change_changes_and_keeps_its_data(
    client: NatsClient, settings: LogSettings
) -> None:
    await apply(client, settings)
    js = client.jetstream()
    await js.publish("seamark.events.0", b"kept")
    grown = dataclasses.replace(settings, max_bytes=8 * MEBIBYTE, partitions=3)

    changed = await apply(client, grown)

    updated = {change.config.name: change.fields for change in changed if not change.create}
    assert updated["SEAMARK_events_0"] == ("max_bytes",)
    assert {c.config.name for c in changed if c.create} == {stream_name(s, 2) for s in Signal}
    info = await js.stream_info("SEAMARK_events_0")
    assert info.config.max_bytes == 8 * MEBIBYTE
    assert info.state.messages == 1


async def test_an_operators_own_settings_survive_a_change(
    client: NatsClient, settings: LogSettings
) -> None:
    await apply(client, settings)
    js = client.jetstream()
    info = await js.stream_info("SEAMARK_logs_0")
    await js.update_stream(info.config.evolve(description="on the big disks"))

    await apply(client, dataclasses.replace(settings, max_bytes=5 * MEBIBYTE))

    assert (await js.stream_info("SEAMARK_logs_0")).config.description == "on the big disks"


async def test_partitions_never_shrink(client: NatsClient, settings: LogSettings) -> None:
    await apply(client, settings)

    with pytest.raises(SettingsError, match=r"PARTITIONS is 1, .* SEAMARK_events_1"):
        await apply(client, dataclasses.replace(settings, partitions=1))


async def test_a_stream_in_memory_is_refused(client: NatsClient, settings: LogSettings) -> None:
    await client.jetstream().add_stream(
        StreamConfig(
            name="SEAMARK_traces_0", subjects=["seamark.traces.0"], storage=StorageType.MEMORY
        )
    )

    with pytest.raises(SettingsError, match="SEAMARK_traces_0 exists with storage memory"):
        await apply(client, settings)


async def test_too_little_room_names_the_setting(client: NatsClient, settings: LogSettings) -> None:
    with pytest.raises(SettingsError, match="SEAMARK_LOG_MAX_BYTES=3000000000: lower it"):
        await apply(client, dataclasses.replace(settings, max_bytes=3_000_000_000))


async def test_replicas_without_a_cluster_are_refused(
    client: NatsClient, settings: LogSettings
) -> None:
    await apply(client, settings)

    with pytest.raises(SettingsError, match="cannot be changed: replicas > 1 not supported"):
        await apply(client, dataclasses.replace(settings, replicas=3))


async def test_a_full_stream_refuses_and_keeps(client: NatsClient, settings: LogSettings) -> None:
    await apply(client, dataclasses.replace(settings, max_bytes=MEBIBYTE))
    js = client.jetstream()
    first = await js.publish("seamark.events.0", b"x" * 600_000)

    with pytest.raises(APIError) as refused:
        await js.publish("seamark.events.0", b"x" * 600_000)

    assert refused.value.err_code == 10077
    assert (await js.get_msg("SEAMARK_events_0", first.seq)).data


async def test_a_server_that_syncs_is_accepted(client: NatsClient, settings: LogSettings) -> None:
    await check_sync(settings.monitor_url)


async def test_a_server_that_does_not_sync_is_refused(tmp_path: Path) -> None:
    with (
        NatsServer(tmp_path / "lazy", sync="2m") as lazy,
        pytest.raises(SettingsError, match="sync_interval: always"),
    ):
        await check_sync(lazy.monitor_url)


async def test_credentials_are_made_once_and_registered(
    client: NatsClient, settings: LogSettings, tmp_path: Path
) -> None:
    await apply(client, settings)
    bucket = await client.jetstream().key_value(CONFIG_BUCKET)
    path = tmp_path / "credentials.json"

    first = read_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert await seed(bucket, first) == 6
    assert read_or_create(path) == first
    assert await seed(bucket, first) == 0

    registry = Registry()
    await registry.start(client)
    key, query = registry.key(first.ingest_key), registry.token(first.query_token)
    admin, operator = registry.token(first.admin_token), registry.token(first.operator_token)
    await registry.stop()
    assert key is not None
    assert (key.org, key.app) == ("demo", "demo")
    assert query is not None
    assert (query.kind, query.app) == ("query", "")
    assert admin is not None
    assert admin.kind == "admin"
    assert operator is not None
    assert (operator.kind, operator.org) == ("operator", "")
    assert len(registry.orgs["demo"].salt) == 32
    assert registry.apps["demo", "demo"].origins == ["*"]


async def test_a_half_done_registration_heals_without_changing_what_is_there(
    client: NatsClient, settings: LogSettings, tmp_path: Path
) -> None:
    await apply(client, settings)
    bucket = await client.jetstream().key_value(CONFIG_BUCKET)
    credentials = read_or_create(tmp_path / "credentials.json")
    await seed(bucket, credentials)
    salt = (await bucket.get("org.demo")).value
    await bucket.purge("app.demo.demo")  # purged or deleted by a person: not ours to bring back
    query = f"token.{digest(credentials.query_token)}"
    await client.jetstream().purge_stream(
        f"KV_{CONFIG_BUCKET}", subject=f"$KV.{CONFIG_BUCKET}.{query}"
    )

    assert await seed(bucket, credentials) == 1

    assert (await bucket.get("org.demo")).value == salt
    assert (await bucket.get(query)).value
    with pytest.raises(KeyNotFoundError):
        await bucket.get("app.demo.demo")


def test_a_damaged_credentials_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text('{"org": "demo"}')

    with pytest.raises(SettingsError, match="is not a credentials file"):
        read_or_create(path)
