-- Log records: the input table, the raw rows, and the view between them.
-- {merge_tree} {deduplication} {on_cluster} {database}: variant.py says what each variant puts there
-- (embedded: MergeTree, non_replicated_deduplication_window; server: ReplicatedMergeTree
-- (path, replica), replicated_deduplication_window with its _seconds, ON CLUSTER).
--
-- The input has one column for each field of the protobuf (seamark/wire/envelope.proto), as deep in
-- arrays as the field is in repeated messages: one column of nested tuples would do too, but its type
-- is then copied and compared at every step, which made an insert three times as dear. In an AnyValue,
-- a member that is not set is NULL, or an empty array.
--: any_0 = Tuple(string_value Nullable(String), bool_value Nullable(Bool), int_value Nullable(Int64), double_value Nullable(Float64), bytes_value Nullable(String), array_value Nullable(String), kvlist_value Nullable(String))
--: any_1 = Tuple(string_value Nullable(String), bool_value Nullable(Bool), int_value Nullable(Int64), double_value Nullable(Float64), bytes_value Nullable(String), array_value Tuple(values Array({any_0})), kvlist_value Tuple(values Array(Tuple(key String, value {any_0}))))
--: any_2 = Tuple(string_value Nullable(String), bool_value Nullable(Bool), int_value Nullable(Int64), double_value Nullable(Float64), bytes_value Nullable(String), array_value Tuple(values Array({any_1})), kvlist_value Tuple(values Array(Tuple(key String, value {any_1}))))
--: any_3 = Tuple(string_value Nullable(String), bool_value Nullable(Bool), int_value Nullable(Int64), double_value Nullable(Float64), bytes_value Nullable(String), array_value Tuple(values Array({any_2})), kvlist_value Tuple(values Array(Tuple(key String, value {any_2}))))
--: attributes = Array(Tuple(key String, value {any_1}))

CREATE TABLE IF NOT EXISTS {database}.in_logs {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    receipt String,
    received_ns UInt64,
    key_id String,
    weight Float64,
    outcome Tuple(offered UInt32, accepted UInt32, rejected Map(String, UInt32), sampled UInt32, limited UInt32),
    `logs.resource_logs.resource.attributes` Array({attributes}),
    `logs.resource_logs.resource.dropped_attributes_count` Array(UInt32),
    `logs.resource_logs.schema_url` Array(String),
    `logs.resource_logs.scope_logs.scope.name` Array(Array(String)),
    `logs.resource_logs.scope_logs.scope.version` Array(Array(String)),
    `logs.resource_logs.scope_logs.scope.attributes` Array(Array({attributes})),
    `logs.resource_logs.scope_logs.scope.dropped_attributes_count` Array(Array(UInt32)),
    `logs.resource_logs.scope_logs.schema_url` Array(Array(String)),
    `logs.resource_logs.scope_logs.log_records.time_unix_nano` Array(Array(Array(UInt64))),
    `logs.resource_logs.scope_logs.log_records.observed_time_unix_nano` Array(Array(Array(UInt64))),
    `logs.resource_logs.scope_logs.log_records.severity_number` Array(Array(Array(Int32))),
    `logs.resource_logs.scope_logs.log_records.severity_text` Array(Array(Array(String))),
    `logs.resource_logs.scope_logs.log_records.body` Array(Array(Array({any_3}))),
    `logs.resource_logs.scope_logs.log_records.attributes` Array(Array(Array({attributes}))),
    `logs.resource_logs.scope_logs.log_records.dropped_attributes_count` Array(Array(Array(UInt32))),
    `logs.resource_logs.scope_logs.log_records.flags` Array(Array(Array(UInt32))),
    `logs.resource_logs.scope_logs.log_records.trace_id` Array(Array(Array(String))),
    `logs.resource_logs.scope_logs.log_records.span_id` Array(Array(Array(String))),
    `logs.resource_logs.scope_logs.log_records.event_name` Array(Array(Array(String)))
)
ENGINE = Null;

CREATE TABLE IF NOT EXISTS {database}.logs {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    receipt UUID,
    received_at DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    weight Float64,
    time DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    observed_time DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    severity_number Int32,
    severity_text LowCardinality(String),
    body String,
    event_name LowCardinality(String),
    trace_id FixedString(16),
    span_id FixedString(8),
    flags UInt32,
    service LowCardinality(String),
    attrs Map(LowCardinality(String), String),
    dropped_attrs UInt32,
    resource_attrs Map(LowCardinality(String), String),
    resource_dropped_attrs UInt32,
    resource_schema_url LowCardinality(String),
    scope_name LowCardinality(String),
    scope_version LowCardinality(String),
    scope_attrs Map(LowCardinality(String), String),
    scope_dropped_attrs UInt32,
    scope_schema_url LowCardinality(String),
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_word lower(body) TYPE tokenbf_v1(16384, 3, 0) GRANULARITY 1
)
ENGINE = {merge_tree}
PARTITION BY toDate(received_at)
ORDER BY (org, app, service, time)
TTL toDateTime(received_at) + INTERVAL 30 DAY
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

-- `text` is an attribute as it is stored: a string as it is, a number or a boolean in figures, bytes
-- in base64, an array or a list as JSON, in which bytes, and whatever is nested too deep (the bytes of
-- its message), are base64, and NaN and infinity are strings. An empty array, an empty list and no
-- value are all ''.
-- A body is text in the same way, with three levels of arrays and lists.
-- A record without a time has that of its observation, else that of its receipt.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.logs_view {on_cluster} TO {database}.logs AS
WITH
    (x -> replaceAll(toJSONString(x), '\\/', '/')) AS quoted,
    (x -> if(isFinite(x), toString(x), concat('"', toString(x), '"'))) AS number,
    (x -> concat('"', base64Encode(x), '"')) AS base64,
    (x -> coalesce(toString(x.int_value), number(x.double_value), toString(x.bool_value),
        base64(coalesce(x.bytes_value, x.array_value, x.kvlist_value)), quoted(x.string_value), 'null')) AS json_0,
    (x -> concat('[', arrayStringConcat(arrayMap(y -> json_0(y), x), ','), ']')) AS array_1,
    (x -> concat('{', arrayStringConcat(arrayMap(y -> concat(quoted(y.key), ':', json_0(y.value)), x), ','), '}')) AS list_1,
    (x -> if(notEmpty(x.array_value.values), array_1(x.array_value.values),
        if(notEmpty(x.kvlist_value.values), list_1(x.kvlist_value.values), NULL))) AS nested_1,
    (x -> coalesce(toString(x.int_value), number(x.double_value), toString(x.bool_value),
        base64(x.bytes_value), nested_1(x), quoted(x.string_value), 'null')) AS json_1,
    (x -> concat('[', arrayStringConcat(arrayMap(y -> json_1(y), x), ','), ']')) AS array_2,
    (x -> concat('{', arrayStringConcat(arrayMap(y -> concat(quoted(y.key), ':', json_1(y.value)), x), ','), '}')) AS list_2,
    (x -> if(notEmpty(x.array_value.values), array_2(x.array_value.values),
        if(notEmpty(x.kvlist_value.values), list_2(x.kvlist_value.values), NULL))) AS nested_2,
    (x -> coalesce(toString(x.int_value), number(x.double_value), toString(x.bool_value),
        base64(x.bytes_value), nested_2(x), quoted(x.string_value), 'null')) AS json_2,
    (x -> concat('[', arrayStringConcat(arrayMap(y -> json_2(y), x), ','), ']')) AS array_3,
    (x -> concat('{', arrayStringConcat(arrayMap(y -> concat(quoted(y.key), ':', json_2(y.value)), x), ','), '}')) AS list_3,
    (x -> if(notEmpty(x.array_value.values), array_3(x.array_value.values),
        if(notEmpty(x.kvlist_value.values), list_3(x.kvlist_value.values), NULL))) AS nested_3,
    (x -> coalesce(x.string_value, toString(x.int_value), toString(x.double_value), toString(x.bool_value),
        base64Encode(x.bytes_value), nested_1(x), '')) AS text,
    (x -> coalesce(x.string_value, toString(x.int_value), toString(x.double_value), toString(x.bool_value),
        base64Encode(x.bytes_value), nested_3(x), '')) AS body_text,
    (x -> CAST((x.key, arrayMap(y -> text(y), x.value)), 'Map(LowCardinality(String), String)')) AS strings,
    (x -> fromUnixTimestamp64Nano(toInt64(least(x, 9223372036854775807)), 'UTC')) AS instant,
    (x -> toFixedString(substring(x, 1, 16), 16)) AS id_16,
    (x -> toFixedString(substring(x, 1, 8), 8)) AS id_8
SELECT
    org, app, receipt, received_at, weight,
    multiIf(x_time_unix_nano != 0, instant(x_time_unix_nano), x_observed_time_unix_nano != 0, instant(x_observed_time_unix_nano), toDateTime64(received_at, 9, 'UTC')) AS time,
    instant(x_observed_time_unix_nano) AS observed_time,
    x_severity_number AS severity_number,
    x_severity_text AS severity_text,
    body_text(x_body) AS body,
    x_event_name AS event_name,
    id_16(x_trace_id) AS trace_id,
    id_8(x_span_id) AS span_id,
    x_flags AS flags,
    service,
    strings(x_attributes) AS attrs,
    x_dropped_attributes_count AS dropped_attrs,
    resource_attrs, resource_dropped_attrs, resource_schema_url,
    scope_name, scope_version, scope_attrs, scope_dropped_attrs, scope_schema_url
FROM
(
    SELECT
        org, app, receipt, received_at, weight, service, resource_attrs, resource_dropped_attrs,
        resource_schema_url,
        scope_name, scope_version, strings(s_attributes) AS scope_attrs, scope_dropped_attrs, scope_schema_url,
        x_time_unix_nano, x_observed_time_unix_nano, x_severity_number, x_severity_text, x_body,
        x_attributes, x_dropped_attributes_count, x_flags, x_trace_id, x_span_id, x_event_name
    FROM
    (
        SELECT
            org, app, toUUIDOrZero(i.receipt) AS receipt, weight,
            fromUnixTimestamp64Milli(toInt64(intDiv(least(received_ns, 9223372036854775807), 1000000)), 'UTC') AS received_at,
            strings(r_attributes) AS resource_attrs, resource_attrs['service.name'] AS service,
            resource_dropped_attrs, resource_schema_url,
            scope_name, scope_version, s_attributes, scope_dropped_attrs, scope_schema_url,
            x_time_unix_nano, x_observed_time_unix_nano, x_severity_number, x_severity_text, x_body,
            x_attributes, x_dropped_attributes_count, x_flags, x_trace_id, x_span_id, x_event_name
        FROM {database}.in_logs AS i
        ARRAY JOIN
            `logs.resource_logs.resource.attributes` AS r_attributes,
            `logs.resource_logs.resource.dropped_attributes_count` AS resource_dropped_attrs,
            `logs.resource_logs.schema_url` AS resource_schema_url,
            `logs.resource_logs.scope_logs.scope.name` AS scope_name,
            `logs.resource_logs.scope_logs.scope.version` AS scope_version,
            `logs.resource_logs.scope_logs.scope.attributes` AS s_attributes,
            `logs.resource_logs.scope_logs.scope.dropped_attributes_count` AS scope_dropped_attrs,
            `logs.resource_logs.scope_logs.schema_url` AS scope_schema_url,
            `logs.resource_logs.scope_logs.log_records.time_unix_nano` AS x_time_unix_nano,
            `logs.resource_logs.scope_logs.log_records.observed_time_unix_nano` AS x_observed_time_unix_nano,
            `logs.resource_logs.scope_logs.log_records.severity_number` AS x_severity_number,
            `logs.resource_logs.scope_logs.log_records.severity_text` AS x_severity_text,
            `logs.resource_logs.scope_logs.log_records.body` AS x_body,
            `logs.resource_logs.scope_logs.log_records.attributes` AS x_attributes,
            `logs.resource_logs.scope_logs.log_records.dropped_attributes_count` AS x_dropped_attributes_count,
            `logs.resource_logs.scope_logs.log_records.flags` AS x_flags,
            `logs.resource_logs.scope_logs.log_records.trace_id` AS x_trace_id,
            `logs.resource_logs.scope_logs.log_records.span_id` AS x_span_id,
            `logs.resource_logs.scope_logs.log_records.event_name` AS x_event_name
    ) AS g
    ARRAY JOIN
        scope_name, scope_version, s_attributes, scope_dropped_attrs, scope_schema_url, x_time_unix_nano,
        x_observed_time_unix_nano, x_severity_number, x_severity_text, x_body, x_attributes,
        x_dropped_attributes_count, x_flags, x_trace_id, x_span_id, x_event_name
) AS h
ARRAY JOIN
    x_time_unix_nano, x_observed_time_unix_nano, x_severity_number, x_severity_text, x_body,
    x_attributes, x_dropped_attributes_count, x_flags, x_trace_id, x_span_id, x_event_name;
