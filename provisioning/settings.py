"""What provisioning reads beside the addresses of the log and the store."""

from dataclasses import dataclass

from seamark.service.settings import ProcessSettings, setting


@dataclass(frozen=True, slots=True)
class ProvisionSettings(ProcessSettings):
    """SEAMARK_PROVISION_*: the one-shot that puts streams, buckets and tables in place."""

    credentials: str = setting(
        "",
        text="File of the first org's credentials: written if it is missing, then made true in "
        "the registry. Empty for none.",
    )
    own_metrics_key: str = setting(
        "",
        text="File of the ingest key that Seamark's processes report their own metrics with, as "
        "app `seamark` of the first org: written if it is missing. Empty for none.",
    )
    wait_seconds: float = setting(
        60.0, unit="s", text="Longest wait for the log, and again for the store.", minimum=0.1
    )
    store_variant: str = setting(
        "server",
        text="Engines of the tables: `server` is ReplicatedMergeTree (needs Keeper), `embedded` "
        "the plain MergeTree of `seamark up`'s store.",
        choices=("server", "embedded"),
    )
    store_cluster: str = setting(
        "", text="Cluster that tables are made on (ON CLUSTER); empty for one node."
    )
