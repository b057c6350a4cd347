"""Mixed traffic with locust: native batches, OTLP over HTTP, and the questions of a dashboard.

    SEAMARK_LOAD_KEY=... SEAMARK_LOAD_TOKEN=... locust --headless -f load/locustfile.py \
        --host http://127.0.0.1:4318 -u 20 -r 10 -t 60s

For how a stack feels under many kinds of users at once. Ceilings and latencies are measured with
`load.generate`, which costs a tenth of this and does not wait for replies.
"""

import itertools
import random
import time
from typing import Any, Final

import msgspec
from locust import FastHttpUser, between, task

from load.bodies import EVENTS_PATH, USER_AGENTS, Shape, Target, native_batch
from load.otlp_bodies import PATHS, OtlpRequest
from load.target import access

_WHO: Final = access(None)
_RUN: Final = f"{random.SystemRandom().getrandbits(32):08x}"
_NUMBERS: Final = itertools.count()
_SEPARATOR: Final = b"\r\n\r\n"


class Browsers(FastHttpUser):
    """Sends native batches of 20 events."""

    weight = 6
    wait_time = between(0.1, 0.5)

    @task
    def batch(self) -> None:
        """One batch with a batchId of its own."""
        number = next(_NUMBERS)
        rng = random.Random(number)
        shape = Shape(run=_RUN, batch=20, batch_ids=False)
        _, body = native_batch(rng, shape, app=_WHO.app, now_ms=time.time_ns() // 1_000_000)
        head = f'{{"batchId":"{_RUN}-{number}",'.encode()
        headers = {
            "X-API-Key": _WHO.key,
            "Content-Type": "application/json",
            "User-Agent": rng.choice(USER_AGENTS),
        }
        data: Any = head + body[1:]  # bytes are taken, whatever the annotation says
        with self.client.post(
            EVENTS_PATH, data=data, headers=headers, catch_response=True
        ) as reply:
            if reply.status_code != 202 or reply.json()["accepted"] != 20:
                reply.failure(f"{reply.status_code}: {reply.text[:200]}")


class ServiceUser(FastHttpUser):
    """Sends spans, log records and points."""

    weight = 3
    wait_time = between(0.2, 1.0)

    def _export(self, kind: str) -> None:
        number = next(_NUMBERS)
        target = Target(host="", key=_WHO.key, app=_WHO.app)
        whole = OtlpRequest(target, kind, _RUN, items=50, seed=number).wire(number, time.time_ns())
        body: Any = bytes(whole).partition(_SEPARATOR)[2]
        headers = {"X-API-Key": _WHO.key, "Content-Type": "application/x-protobuf"}
        self.client.post(PATHS[kind], data=body, headers=headers)

    @task(3)
    def traces(self) -> None:
        """50 spans."""
        self._export("traces")

    @task(2)
    def logs(self) -> None:
        """50 log records."""
        self._export("logs")

    @task(1)
    def metrics(self) -> None:
        """50 points."""
        self._export("metrics")


class Dashboards(FastHttpUser):
    """Asks what a dashboard asks when it is refreshed."""

    weight = 1
    wait_time = between(1, 5)

    @task
    def refresh(self) -> None:
        """Three panels."""
        for metric, group_by, agg in (
            (f"load.{_RUN}.page_view", ["country"], ["count"]),
            (f"load.{_RUN}.web_vital.lcp", ["page"], ["p50", "p95"]),
            (f"load.{_RUN}.feature_click", [], ["count", "uniq_users"]),
        ):
            question = {"metric": metric, "from": "now-1h", "groupBy": group_by, "agg": agg}
            self.client.post(
                f"{_WHO.api_url}/v1/query/timeseries",  # --host is the collector
                data=msgspec.json.encode(question).decode(),
                headers={
                    "Authorization": f"Bearer {_WHO.token}",
                    "Content-Type": "application/json",
                },
                name=f"timeseries {'+'.join(agg)}",
            )
