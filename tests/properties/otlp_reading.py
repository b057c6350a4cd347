"""Read envelopes with ClickHouse: `python -m tests.properties.otlp_reading <schema.proto>
<envelopes>`.

A process of its own, because an engine can be opened once in a process. Prints one JSON object a
row: the receipt and what ClickHouse found in each body. Any error of the engine is the exit code.
"""

import sys

import chdb

_FOUND = """
SELECT receipt,
  arrayFlatten(arrayMap(r -> arrayMap(s -> arrayMap(
    x -> (lower(hex(x.trace_id)), x.name, toString(x.start_time_unix_nano), x.kind,
          arrayMap(a -> (a.key, a.value.string_value), x.attributes)),
    s.spans), r.scope_spans), traces_resource_spans)) AS spans,
  arrayFlatten(arrayMap(r -> arrayMap(s -> arrayMap(
    x -> (lower(hex(x.trace_id)), x.event_name, toString(x.time_unix_nano), x.severity_number,
          arrayMap(a -> (a.key, a.value.string_value), x.attributes)),
    s.log_records), r.scope_logs), logs_resource_logs)) AS records,
  arrayFlatten(arrayMap(r -> arrayMap(s -> arrayMap(
    x -> (x.name, x.unit, length(x.gauge_data_points), length(x.sum.data_points),
          length(x.histogram.data_points), length(x.exponential_histogram.data_points),
          length(x.summary_data_points)),
    s.metrics), r.scope_metrics), metrics_resource_metrics)) AS points
FROM found ORDER BY toUInt32(receipt) FORMAT JSONCompactEachRow
"""


def main(schema: str, envelopes: str) -> None:
    """Load the file in one insert, as a block is loaded, and print what is in it."""
    connection = chdb.connect(":memory:")
    connection.query(
        f"CREATE TABLE found ENGINE = Memory AS SELECT receipt, COLUMNS('resource_') "
        f"FROM file('{envelopes}', Protobuf) SETTINGS format_schema = '{schema}:Envelope'"
    )
    sys.stdout.write(str(connection.query(_FOUND)))
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
