"""Percentiles as SQL, from sketches and from the buckets of histograms; distinct ids, from sets."""

from api.query.statement import fill
from seamark.wire.sketches import SKETCH_ACCURACY, UNIQUE_PRECISION


def from_sketch(sketch: str, least: str, most: str) -> str:
    """SQL of percentiles from sketches: an array in the order of `{levels}`, NaN without values.

    The views that fill the sketches make up for what the engine does to values between -1 and 1
    (provisioning/clickhouse). What is known exactly, the least and most value, bounds the estimate.
    """
    return (
        f"arrayMap(q -> greatest({least}, least({most}, q)), "
        f"quantilesDDMerge({SKETCH_ACCURACY}, {{levels}})({sketch}))"
    )


def distinct(sets: str) -> str:
    """SQL of how many members sets of ids have; never more than the events they are of."""
    return f"least(uniqCombinedMerge({UNIQUE_PRECISION})({sets}), sum(rows))"


def from_buckets(otherwise: str) -> str:
    """SQL of percentiles from histograms as `from_sketch`, NULL where no bound tells.

    It reads what `metric_sketches.sql` makes of rows. Without observations the array `otherwise` is
    taken. Observations lie evenly within a bucket, exponentially within an exponential one. The
    first bucket begins at 0 unless its bound is below that, the last ends at its lower bound. From
    the median on, a level between two exponential buckets is the beginning of the upper one. So it
    is in Prometheus:
    https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
    """
    return fill("metric_percentiles", otherwise=otherwise).strip()
