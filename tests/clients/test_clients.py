"""Stock SDKs at their defaults: everything is stored, nothing refused. Python and Node; the others
are run by `make clients`.
"""

import pytest

from tests.clients.arrival import arrive
from tests.clients.clients import NODE, PYTHON, Client
from tests.clients.counted import ask
from tests.clients.workload import SHORT
from tests.system.stack import Stack

pytestmark = pytest.mark.system
RUNS = [(client, protocol) for client in (PYTHON, NODE) for protocol in client.protocols]


@pytest.mark.parametrize(
    ("client", "protocol"), RUNS, ids=lambda one: getattr(one, "language", one)
)
def test_what_a_stock_client_sends_is_stored(stack: Stack, client: Client, protocol: str) -> None:
    arrival = arrive(stack, client, protocol, SHORT)
    assert not arrival.problems(), arrival.printed[-2000:]
    question = {
        "metric": "traces.span.duration",
        "agg": ["p50", "p95", "p99"],
        "granularity": "30d",
        "filters": [{"key": "service", "value": arrival.name}],
    }
    (series,) = ask(stack, "/v1/query/timeseries", question)["series"]
    exact = [SHORT.spans * level for level in (0.5, 0.95, 0.99)]
    assert series["rows"][0][1:] == pytest.approx(exact, rel=0.0105)
    wait = question | {"metric": f"{arrival.name}.wait", "agg": ["p50"], "filters": []}
    (series,) = ask(stack, "/v1/query/timeseries", wait)["series"]
    assert series["rows"][0][1] == pytest.approx(SHORT.measurements / 2, rel=0.03)
