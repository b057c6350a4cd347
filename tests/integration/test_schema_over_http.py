"""The migration runner over HTTP, with clickhouse-connect, as it runs against every real store."""

from pathlib import Path

import clickhouse_connect
import pytest

from provisioning.clickhouse.migrate import OverHttp, migrate, read_migrations
from provisioning.clickhouse.variant import Variant
from seamark.wire.insert import INSERT_SETTINGS
from seamark.wire.signals import Signal
from tests.support.schema_store import events_envelope
from tests.support.store_server import PASSWORD, StoreServer

pytestmark = pytest.mark.integration


def test_the_schema_comes_over_http_and_takes_a_block(tmp_path: Path) -> None:
    with StoreServer(tmp_path / "store") as server:
        client = clickhouse_connect.get_client(
            host="127.0.0.1", port=server.port, username="seamark", password=PASSWORD
        )
        store = OverHttp(client)
        assert migrate(store, variant=Variant.EMBEDDED) == read_migrations()
        assert migrate(store, variant=Variant.EMBEDDED) == []
        block = events_envelope([{"ts": 0, "name": "a", "value": 2}, {"ts": 0, "name": "a"}])
        for _ in range(2):
            answer = server.insert(
                f"INSERT INTO seamark.in_{Signal.EVENTS.value} FORMAT Protobuf",
                block,
                **INSERT_SETTINGS,
                insert_deduplication_token="t",
            )
            assert answer.status == 200, answer.body
        found = store.rows("SELECT sum(rows), sum(value_sum) FROM seamark.events_1d")
        assert list(found) == [(2, 2.0)]
        client.close()
