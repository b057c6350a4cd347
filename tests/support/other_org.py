"""A second org with an app and a key, beside those of `collector_process`."""

from seamark.service.connections import LogSettings, connect_log
from seamark.service.registry import AppRecord, KeyRecord, OrgRecord, digest, put_record
from seamark.wire.buckets import CONFIG_BUCKET

OTHER_KEY = "smk_other_org"


async def add_other_org(url: str) -> None:
    """Put its records into the bucket of the log at `url`."""
    client = await connect_log(LogSettings(url=url), name="test")
    bucket = await client.jetstream(timeout=5).key_value(CONFIG_BUCKET)
    await put_record(bucket, OrgRecord(org="umbra", name="Umbra", salt="a5" * 16))
    await put_record(bucket, AppRecord(org="umbra", app="web"))
    await put_record(
        bucket,
        KeyRecord(key_id="id-other", org="umbra", app="web", digest=digest(OTHER_KEY)),
    )
    await client.close()
