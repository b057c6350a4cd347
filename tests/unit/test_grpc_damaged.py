"""Over gRPC an answer that lacks lost rows says so, as over HTTP."""

from api.grpc.messages import timeseries_parts


def test_a_damaged_answer_is_truncated_and_damaged() -> None:
    answer = (
        b'{"columns": [], "series": [], "exemplars": [], "meta": {"rowsRead": 1, "bytesRead": 1,'
        b' "cache": "miss", "stale": false, "truncated": "damaged", "sampled": false}}'
    )
    [part] = timeseries_parts(answer)
    assert (part.meta.truncated, part.meta.damaged) == (True, True)
