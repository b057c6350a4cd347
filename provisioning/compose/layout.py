"""Who takes part in the compose stack, and where each finds what is its own. Pure.

/secrets/<service>   one volume each; the service mounts its own at /run/seamark, read-only
/volumes/<name>      the data volumes of servers whose images know nothing of our user
"""

from typing import Final

LOG_USERS: Final = ("provisioning", "collector", "rows", "archive", "api", "admin")
"""Users of NATS; what each may do stands in `nats.conf`."""
STORE_USERS: Final = ("provisioning", "rows", "archive", "api", "admin")
"""Users of ClickHouse; what each may do stands in `clickhouse/users.xml`."""
CACHE_USERS: Final = ("api", "collector")
"""Users of Redis: the cache of answers, and what collectors share of limits."""
OBJECTS_KEY: Final = "seamark"
"""The access key of the S3 server's only account; the secret that goes with it is made."""
BUCKET: Final = "telemetry"
LISTENERS: Final = ("nats", "redis", "clickhouse", "s3", "collector", "api")
"""Services with a certificate of their own, for their name within the stack."""
SERVICES: Final = (*LISTENERS, "provisioning", "rows", "archive", "demo", "grafana", "admin")
"""Everyone who gets a volume of secrets. `admin` is for people: `docker compose run admin`."""
FOLDERS: Final = {
    "log": ("jetstream",),
    "store": ("clickhouse",),
    "objects": (f"buckets/{BUCKET}", "attributes"),
    "grafana": ("data",),
}
"""Data volumes, and the folders in them that have to be there (of S3: a bucket is a folder)."""
