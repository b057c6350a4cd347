"""Percentiles as SQL, from sketches and from the buckets of histograms; distinct ids, from sets."""

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


def from_buckets(bounds: str, counts: str, otherwise: str, least: str, most: str) -> str:
    """SQL of percentiles from histograms as `from_sketch`, with the columns it is computed from.

    `bounds` gives all upper bounds there are, `counts` (bounds, observations) without the empty
    ones; without observations the array `otherwise` is taken. Observations lie evenly within a
    bucket; the first begins at 0 unless its bound is below that; the last, which has no bound, is
    its most value, or its lower bound where that is not known. The method is that of Prometheus:
    https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
    """
    lower = "if(place > 1, ups[place - 1], least(0, ups[1]))"
    before = "if(place > 1, sums[place - 1], 0)"
    inside = (
        f"if(isInfinite(ups[place]), ifNull({most}, {lower}), {lower} + "
        f"(ups[place] - {lower}) * (level * sums[-1] - {before}) / nums[place])"
    )
    return (
        f"arraySort({bounds}) AS ups,\n        "
        f"{counts} AS filled,\n        "
        "arrayMap(b -> greatest(0, filled.2[indexOf(filled.1, b)]), ups) AS nums,\n        "
        "arrayCumSum(nums) AS sums,\n        "
        f"if(sums[-1] = 0, {otherwise}, arrayMap((level, place) -> "
        f"greatest({least}, least({most}, {inside})), [{{levels}}], "
        "arrayMap(level -> arrayFirstIndex(c -> c > 0 AND c >= level * sums[-1], sums), "
        "[{levels}])))"
    )
