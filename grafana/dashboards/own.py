"""Questions about Seamark's own metrics: what its processes report of themselves as app `seamark`.

One place for what a panel and an alert rule ask alike. See docs/self-observation.md.
"""

from collections.abc import Sequence
from typing import Final

from grafana.dashboards.ask import Ask, where

APP: Final = "seamark"
_INGEST: Final = "/v1/ingest/batch|/v1/events|/events|/metrics|/v1/traces|/v1/metrics|/v1/logs"


def _own(
    metric: str,
    *agg: str,
    by: Sequence[str] = (),
    filters: Sequence[dict[str, str]] = (),
    step: str = "auto",
    legend: str = "",
) -> Ask:
    request = {
        "metric": metric,
        "source": "metrics",
        "agg": list(agg),
        "groupBy": list(by),
        "granularity": step,
        "filters": [where("app", APP), *filters],
    }
    # A stack whose own metrics are off, or that began a moment ago, has nothing to show.
    return Ask("timeseries", request, legend=legend, least_rows=0)


def ingest_seconds(*agg: str, step: str = "auto") -> Ask:
    """Time from a request's headers to its answer, over all routes that take telemetry."""
    routes = where("route", _INGEST, "=~")
    return _own(
        "seamark_collector_request_seconds", *agg, filters=[routes], step=step, legend="{{agg}}"
    )


def failed_inserts(*, step: str = "auto") -> Ask:
    """Tries to insert into the store that failed and are made again, by why."""
    store = where("sink", "rows")
    return _own(
        "seamark_processor_retries", "sum", by=["reason"], filters=[store], step=step,
        legend="{{reason}}",
    )  # fmt: skip


def waiting_messages(*, step: str = "auto") -> Ask:
    """Messages in the log that a sink has not got, of all streams together."""
    return _own(
        "seamark_processor_lag_all_messages", "max", by=["sink"], step=step, legend="{{sink}}"
    )


def stalled_streams(*, step: str = "auto") -> Ask:
    """1 for a stream of the log that has not moved for a minute though messages wait in it."""
    return _own(
        "seamark_processor_stalled", "max", by=["sink", "stream"], step=step,
        legend="{{sink}} {{stream}}",
    )  # fmt: skip


def stopped_streams(*, step: str = "auto") -> Ask:
    """1 for a stream of the log that is stopped until an operator acts."""
    return _own(
        "seamark_processor_stopped", "max", by=["sink", "stream"], step=step,
        legend="{{sink}} {{stream}}",
    )  # fmt: skip


def used_disk(*, step: str = "auto") -> Ask:
    """Share of the disk in use, by what is kept on it."""
    return _own("seamark_disk_used_ratio", "max", by=["disk"], step=step, legend="{{disk}}")


def active_series(*, step: str = "auto") -> Ask:
    """Series written in the last hour or two, over all orgs, by kind."""
    return _own("seamark_api_active_series", "max", by=["kind"], step=step, legend="{{kind}}")


def damaged_parts(*, step: str = "auto") -> Ask:
    """Parts of the store that are lost or cannot be read, by table, until they are repaired."""
    return _own("seamark_store_damaged_parts", "max", by=["table"], step=step, legend="{{table}}")


def unknown_keys(*, step: str = "auto") -> Ask:
    """Requests with a key that no app has, by the beginning of the key's hash and the network."""
    return _own(
        "seamark_collector_unknown_key_requests", "sum", by=["key_hash", "source"], step=step,
        legend="{{key_hash}} from {{source}}",
    )  # fmt: skip


def question_seconds(*agg: str, step: str = "auto") -> Ask:
    """Time from the head of a question to its answer, over all routes that read the store."""
    routes = where("route", "/v1/query/.*|/v1/ledger|/v1/traces/.*", "=~")
    return _own("seamark_api_request_seconds", *agg, filters=[routes], step=step, legend="{{agg}}")


def cache_lookups(*, step: str = "auto") -> Ask:
    """Look-ups in the answer cache, by what they found."""
    return _own("seamark_api_cache", "sum", by=["result"], step=step, legend="{{result}}")


def unread_bytes(*, step: str = "auto") -> Ask:
    """Bytes of bodies that were not taken and whose items were not counted, by reason."""
    return _own(
        "seamark_collector_unread_bytes", "sum", by=["reason"], step=step, legend="{{reason}}"
    )


def answered_requests(status: str = "", *, step: str = "auto") -> Ask:
    """Requests to the routes that take telemetry; those whose status matches a pattern."""
    filters = [where("route", _INGEST, "=~")]
    if status:
        filters.append(where("status", status, "=~"))
    return _own("seamark_collector_requests", "sum", filters=filters, step=step)


def backup_age(*, step: str = "auto") -> Ask:
    """Seconds since the last backup that ended well; nothing where there never was one."""
    return _own("seamark_backup_age_seconds", "last", step=step, legend="last backup")


def certificate_seconds(*, step: str = "auto") -> Ask:
    """Seconds until the certificate of a listener ends."""
    return _own(
        "seamark_certificate_seconds_left", "min", by=["listener"], step=step,
        legend="{{listener}}",
    )  # fmt: skip
