"""nats.conf of the compose stack: the server takes it, and each user may do its own part alone.

That what is allowed is enough is shown by `test_compose_stack.py`; here is what is not allowed.
"""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator

import nats
import pytest
from nats.aio.client import Client
from nats.js.api import ConsumerConfig, StorageType, StreamConfig

from provisioning.jetstream.apply import apply
from seamark.service.connections import LogSettings
from seamark.wire.buckets import ADMIN_BUCKET, AUDIT_STREAM, CONFIG_BUCKET, POSITIONS_BUCKET
from tests.support.compose_file import services
from tests.support.compose_parts import Machine
from tests.support.servers import binary

pytestmark = pytest.mark.integration
STREAM = "SEAMARK_events_0"
USERS = ("provisioning", "collector", "rows", "archive", "api", "admin")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("compose"))
    with machine.log_server():
        yield machine


class As:
    """A connection of one user, and what the server forbade it."""

    def __init__(self, client: Client, refusals: "asyncio.Queue[str]") -> None:
        self.client = client
        self.js = client.jetstream(timeout=30)
        self._refusals = refusals

    async def forbidden(self, subject: str) -> bool:
        """Whether publishing there is refused; waits for the server to say so."""
        await self.client.publish(subject, b"{}", reply="_INBOX.x.y")
        return await self._told_off("publish", subject)

    async def deaf_to(self, subject: str) -> bool:
        """Whether subscribing there is refused; waits for the server to say so."""
        await self.client.subscribe(subject)
        return await self._told_off("subscription", subject)

    async def _told_off(self, doing: str, subject: str) -> bool:
        try:
            async with asyncio.timeout(20):
                said = await self._refusals.get()
        except TimeoutError:
            return False
        return f'permissions violation for {doing} to "{subject.lower()}"' in said.lower()


async def connect(machine: Machine, user: str) -> As:
    refusals: asyncio.Queue[str] = asyncio.Queue()

    async def note(error: Exception) -> None:
        refusals.put_nowait(str(error))

    client = await nats.connect(
        f"nats://127.0.0.1:{machine.ports['nats:4222']}",
        user=user,
        password=(machine.secrets(user) / "log").read_text(),
        tls=machine.context(),
        error_cb=note,
        allow_reconnect=False,
    )
    return As(client, refusals)


@pytest.fixture
async def users(machine: Machine) -> AsyncIterator[dict[str, As]]:
    """Everyone, in a log that `provisioning` has laid out."""
    found = {user: await connect(machine, user) for user in USERS}
    await apply(found["provisioning"].client, LogSettings(max_bytes=4_000_000))
    yield found
    for each in found.values():
        await each.client.close()


def test_the_server_takes_the_file(machine: Machine) -> None:
    checked = subprocess.run(
        [binary("nats-server"), "-t", "-c", str(machine.nats())],
        env={"LOG_BYTES": services()["nats"].environment["LOG_BYTES"]},
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert checked.returncode == 0, checked.stderr
    assert "plaintext" not in checked.stderr.lower()


async def test_without_a_password_there_is_no_access(machine: Machine) -> None:
    for user in USERS:
        with pytest.raises(nats.errors.Error):
            await nats.connect(
                f"nats://127.0.0.1:{machine.ports['nats:4222']}",
                user=user,
                password="a guess",
                tls=machine.context(),
                allow_reconnect=False,
                max_reconnect_attempts=0,
                error_cb=ignore,
            )


async def ignore(error: Exception) -> None:
    """The refusal is raised as well."""


async def test_only_the_collector_writes_the_log(users: dict[str, As]) -> None:
    for user in ("provisioning", "rows", "archive", "api"):
        assert await users[user].forbidden("seamark.events.0"), user
    written = await users["collector"].js.publish("seamark.events.0", b"frame")
    assert written.stream == STREAM


async def test_provisioning_and_the_api_write_keys(users: dict[str, As]) -> None:
    for user in ("collector", "rows", "archive"):
        assert await users[user].forbidden(f"$KV.{CONFIG_BUCKET}.key.x"), user
    for user in ("provisioning", "api"):
        bucket = await users[user].js.key_value(CONFIG_BUCKET)
        await bucket.put(f"org.{user}", b"{}")


async def test_the_api_alone_writes_what_administration_remembers(users: dict[str, As]) -> None:
    for user in ("provisioning", "collector", "rows", "archive"):
        assert await users[user].forbidden(f"$KV.{ADMIN_BUCKET}.used.x"), user
        assert await users[user].forbidden("seamark.audit.acme._.x"), user
        assert await users[user].forbidden(f"$JS.API.CONSUMER.CREATE.{AUDIT_STREAM}.a"), user
        assert await users[user].forbidden(f"$JS.API.CONSUMER.CREATE.KV_{ADMIN_BUCKET}.a"), user
    js = users["api"].js
    await js.publish("seamark.audit.acme._.x", b"{}", stream=AUDIT_STREAM)
    assert (await js.get_msg(AUDIT_STREAM, 1, subject="seamark.audit.acme.>", next=True)).data
    memory = await js.key_value(ADMIN_BUCKET)
    await memory.create("idem.x", b"{}", msg_ttl=60)


async def test_only_provisioning_changes_streams(users: dict[str, As]) -> None:
    for user in ("collector", "rows", "archive", "api"):
        for change in ("CREATE", "UPDATE", "DELETE", "PURGE"):
            assert await users[user].forbidden(f"$JS.API.STREAM.{change}.{STREAM}"), user
    for change in ("DELETE", "PURGE"):
        assert await users["provisioning"].forbidden(f"$JS.API.STREAM.{change}.{STREAM}")


async def test_a_sink_writes_its_own_positions_and_dead_letters(users: dict[str, As]) -> None:
    for sink, other in (("rows", "archive"), ("archive", "rows")):
        bucket = await users[sink].js.key_value(POSITIONS_BUCKET)
        await bucket.put(f"{sink}.{STREAM}", b"{}")
        await users[sink].js.publish(f"seamark.dead.{sink}.o.s0", b"frame", stream="SEAMARK_DEAD")
        assert await users[sink].forbidden(f"$KV.{POSITIONS_BUCKET}.{other}.{STREAM}")
        assert await users[sink].forbidden(f"$KV.{POSITIONS_BUCKET}.pause.{sink}")
        assert await users[sink].forbidden(f"seamark.dead.{other}.o.s0")
    for user in ("provisioning", "collector", "api"):
        assert await users[user].forbidden(f"$KV.{POSITIONS_BUCKET}.rows.{STREAM}"), user
        assert await users[user].forbidden("seamark.dead.rows.o.s0"), user


async def test_dead_letters_and_keys_are_not_for_everyone(users: dict[str, As]) -> None:
    for user in ("provisioning", "collector", "rows", "archive", "api"):
        assert await users[user].forbidden("$JS.API.CONSUMER.CREATE.SEAMARK_DEAD.a"), user
    for user in ("rows", "archive"):
        assert await users[user].forbidden(f"$JS.API.CONSUMER.CREATE.KV_{CONFIG_BUCKET}.a"), user
        assert await users[user].forbidden(f"$JS.API.STREAM.MSG.GET.KV_{CONFIG_BUCKET}"), user
    for user in ("provisioning", "api"):
        assert await users[user].forbidden(f"$JS.API.CONSUMER.CREATE.{STREAM}.a"), user


async def test_no_user_reads_subjects_of_others(users: dict[str, As]) -> None:
    for user in ("provisioning", "collector", "rows", "archive", "api"):
        for subject in ("seamark.>", f"$KV.{CONFIG_BUCKET}.>", ">", "$SYS.>"):
            assert await users[user].deaf_to(subject), (user, subject)


async def test_a_person_may_do_it_all(users: dict[str, As]) -> None:
    js = users["admin"].js
    await js.add_stream(StreamConfig(name="SPARE", subjects=["spare"], storage=StorageType.MEMORY))
    await js.delete_stream("SPARE")
    await js.add_consumer(STREAM, ConsumerConfig(inactive_threshold=5))
