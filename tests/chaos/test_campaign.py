"""The short form of `make chaos`: a few faults of many kinds, then everything compared."""

import pytest

from tests.chaos.run import run_chapter
from tests.chaos.workload import Mix

pytestmark = [pytest.mark.chaos, pytest.mark.system, pytest.mark.slow]


@pytest.mark.parametrize(
    ("arena", "faults", "seed"),
    [
        pytest.param("one", 6, "short.1", id="one-machine"),
        pytest.param("disk", 5, "short.1", id="one-machine-on-a-small-disk"),
        pytest.param("cluster", 8, "short.3", id="cluster-with-rivals-and-links"),
        pytest.param("three", 6, "short.1", id="three-nats-servers"),
    ],
)
async def test_faults_under_load_lose_and_double_nothing(
    arena: str, faults: int, seed: str
) -> None:
    found = await run_chapter(arena, faults=faults, seed=seed, mix=Mix(late_share=0.0))

    assert found.differences == [], found.account()
    assert found.oracle.accepted > 1_000, found.account()
    assert found.injected.total() > faults // 2, found.account()
