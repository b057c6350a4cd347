-- The ledger: what became of every request (receipts), of every item (ledger), and the items that
-- were rejected, as they were sent (dead letters).
-- {merge_tree} {deduplication} {on_cluster} {database}: variant.py says what each variant puts there
-- (embedded: MergeTree, non_replicated_deduplication_window; server: ReplicatedMergeTree(path,
-- replica), replicated_deduplication_window with its _seconds, ON CLUSTER).
--
-- Everything that exists is altered in place: views keep their ids, on which the tokens of their
-- blocks depend, so a block that an older version half wrote is still healed by its retry. After
-- MODIFY QUERY the engine derives tokens otherwise until it next opens the view, so each view that was
-- changed is closed and opened again. No insert may come in while a view is closed, it would go past
-- it: until the end of this file `closed` makes each fail, to be sent again.
--
-- Laws of the ledger, by org, app, signal, minute and key:
--     offered  = accepted + sum(rejected) + sampled + limited
--     accepted = stored + duplicate + dead-lettered
--     archived = stored, once the archive has caught up
--: any_0 = Tuple(string_value Nullable(String), bool_value Nullable(Bool), int_value Nullable(Int64), double_value Nullable(Float64), bytes_value Nullable(String), array_value Nullable(String), kvlist_value Nullable(String))
--: any_1 = Tuple(string_value Nullable(String), bool_value Nullable(Bool), int_value Nullable(Int64), double_value Nullable(Float64), bytes_value Nullable(String), array_value Tuple(values Array({any_0})), kvlist_value Tuple(values Array(Tuple(key String, value {any_0}))))
--: attributes = Array(Tuple(key String, value {any_1}))
--: exemplars = Array(Tuple(time_unix_nano UInt64, as_double Nullable(Float64), as_int Nullable(Int64), span_id String, trace_id String, filtered_attributes {attributes}))
--: number_point = Tuple(start_time_unix_nano UInt64, time_unix_nano UInt64, as_double Nullable(Float64), as_int Nullable(Int64), exemplars {exemplars}, attributes {attributes}, flags UInt32)
--: histogram_point = Tuple(start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Nullable(Float64), min Nullable(Float64), max Nullable(Float64), bucket_counts Array(UInt64), explicit_bounds Array(Float64), exemplars {exemplars}, attributes {attributes}, flags UInt32)
--: exponential_point = Tuple(start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Nullable(Float64), min Nullable(Float64), max Nullable(Float64), scale Int32, zero_count UInt64, zero_threshold Float64, positive Tuple(offset Int32, bucket_counts Array(UInt64)), negative Tuple(offset Int32, bucket_counts Array(UInt64)), exemplars {exemplars}, attributes {attributes}, flags UInt32)
--: summary_point = Tuple(start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Float64, quantile_values Array(Tuple(quantile Float64, value Float64)), attributes {attributes}, flags UInt32)
--: point = Tuple(type String, temporality Int32, monotonic Bool, start UInt64, time UInt64, as_double Nullable(Float64), as_int Nullable(Int64), count UInt64, sum Nullable(Float64), min Nullable(Float64), max Nullable(Float64), bounds Array(Float64), bucket_counts Array(UInt64), scale Int32, zero_count UInt64, zero_threshold Float64, positive_offset Int32, positive_counts Array(UInt64), negative_offset Int32, negative_counts Array(UInt64), quantiles Array(Float64), quantile_values Array(Float64), exemplars {exemplars}, attributes {attributes}, flags UInt32)
--: outcome = Tuple(offered UInt32, accepted UInt32, rejected Map(String, UInt32), sampled UInt32, limited UInt32, duplicate UInt32, dead_lettered UInt32, request_rejections Map(String, UInt32))
--: closed = throwIf(received_ns >= 0, 'the schema is being brought up to date; send the block again')

-- 1. Raw rows learn which key they came with. A request's rows share one received_at, which the
-- index finds among the few granules that were being filled at that moment. Parts from before have no index.

ALTER TABLE {database}.events {on_cluster}
    ADD COLUMN IF NOT EXISTS key_id LowCardinality(String),
    ADD INDEX IF NOT EXISTS by_receipt_time received_at TYPE minmax GRANULARITY 1;

ALTER TABLE {database}.spans {on_cluster}
    ADD COLUMN IF NOT EXISTS key_id LowCardinality(String),
    ADD INDEX IF NOT EXISTS by_receipt_time received_at TYPE minmax GRANULARITY 1;

ALTER TABLE {database}.metric_points {on_cluster}
    ADD COLUMN IF NOT EXISTS key_id LowCardinality(String),
    ADD INDEX IF NOT EXISTS by_receipt_time received_at TYPE minmax GRANULARITY 1;

ALTER TABLE {database}.logs {on_cluster}
    ADD COLUMN IF NOT EXISTS key_id LowCardinality(String),
    ADD INDEX IF NOT EXISTS by_receipt_time received_at TYPE minmax GRANULARITY 1;

-- 2. The input has all of the outcome, and the dead letters; and is closed.

ALTER TABLE {database}.in_events {on_cluster}
    MODIFY COLUMN outcome {outcome},
    ADD COLUMN IF NOT EXISTS protocol LowCardinality(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.index` Array(UInt32),
    ADD COLUMN IF NOT EXISTS `dead_letters.reason` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.field` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.message` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.name` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.original` Array(String),
    ADD COLUMN IF NOT EXISTS closed UInt8 DEFAULT {closed};

ALTER TABLE {database}.in_traces {on_cluster}
    MODIFY COLUMN outcome {outcome},
    ADD COLUMN IF NOT EXISTS sent_ms UInt64,
    ADD COLUMN IF NOT EXISTS sdk_name LowCardinality(String),
    ADD COLUMN IF NOT EXISTS sdk_version LowCardinality(String),
    ADD COLUMN IF NOT EXISTS protocol LowCardinality(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.index` Array(UInt32),
    ADD COLUMN IF NOT EXISTS `dead_letters.reason` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.field` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.message` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.name` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.original` Array(String),
    ADD COLUMN IF NOT EXISTS closed UInt8 DEFAULT {closed};

ALTER TABLE {database}.in_metrics {on_cluster}
    MODIFY COLUMN outcome {outcome},
    ADD COLUMN IF NOT EXISTS sent_ms UInt64,
    ADD COLUMN IF NOT EXISTS sdk_name LowCardinality(String),
    ADD COLUMN IF NOT EXISTS sdk_version LowCardinality(String),
    ADD COLUMN IF NOT EXISTS protocol LowCardinality(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.index` Array(UInt32),
    ADD COLUMN IF NOT EXISTS `dead_letters.reason` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.field` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.message` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.name` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.original` Array(String),
    ADD COLUMN IF NOT EXISTS closed UInt8 DEFAULT {closed};

ALTER TABLE {database}.in_logs {on_cluster}
    MODIFY COLUMN outcome {outcome},
    ADD COLUMN IF NOT EXISTS sent_ms UInt64,
    ADD COLUMN IF NOT EXISTS sdk_name LowCardinality(String),
    ADD COLUMN IF NOT EXISTS sdk_version LowCardinality(String),
    ADD COLUMN IF NOT EXISTS protocol LowCardinality(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.index` Array(UInt32),
    ADD COLUMN IF NOT EXISTS `dead_letters.reason` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.field` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.message` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.name` Array(String),
    ADD COLUMN IF NOT EXISTS `dead_letters.original` Array(String),
    ADD COLUMN IF NOT EXISTS closed UInt8 DEFAULT {closed};

-- 3. The raw rows' own SELECTs, as they were, with key_id; what they do and why is said in 0001, 0003,
-- 0005 and 0006.

ATTACH TABLE IF NOT EXISTS {database}.events_view {on_cluster};

ALTER TABLE {database}.events_view {on_cluster} MODIFY QUERY
WITH
    toInt64(intDiv(least(i.received_ns, 9223372036854775807), 1000000)) AS received_ms,
    coalesce(
        toInt64OrNull(e.ts),
        accurateCastOrNull(floor(toFloat64OrNull(e.ts)), 'Int64'),
        toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull(upper(e.ts), 3, 'UTC')),
        0) AS ts_ms,
    toInt64(least(i.sent_ms, 9000000000000000)) - ts_ms AS age_ms
SELECT
    i.org AS org,
    i.app AS app,
    toUUIDOrZero(i.receipt) AS receipt,
    fromUnixTimestamp64Milli(received_ms, 'UTC') AS received_at,
    i.weight AS weight,
    fromUnixTimestamp64Milli(received_ms - if(i.sent_ms = 0, 0, greatest(0, age_ms)), 'UTC') AS time,
    toUInt8(i.sent_ms = 0 OR age_ms < 0) AS time_flag,
    fromUnixTimestamp64Milli(ts_ms, 'UTC') AS ts,
    i.skew_ms AS skew_ms,
    e.id AS event_id,
    e.name AS name,
    e.value AS value,
    e.unit AS unit,
    e.attrs AS attrs,
    e.sessionId AS session_id,
    e.userAnonId AS user_id,
    e.device AS device,
    i.ip_hash AS ip_hash,
    i.country AS country,
    i.browser AS browser,
    i.browser_version AS browser_version,
    i.os AS os,
    i.os_version AS os_version,
    i.device AS device_type,
    i.sdk_name AS sdk_name,
    i.sdk_version AS sdk_version,
    i.datacenter AS datacenter,
    i.server_version AS server_version,
    i.key_id AS key_id
FROM {database}.in_events AS i
ARRAY JOIN JSONExtract(i.events_json, 'Array(Tuple(id String, ts String, name String, value Nullable(Float64), unit String, attrs Map(String, String), sessionId String, userAnonId String, device Map(String, String)))') AS e;

DETACH TABLE IF EXISTS {database}.events_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.events_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.spans_view {on_cluster};

ALTER TABLE {database}.spans_view {on_cluster} MODIFY QUERY
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
    (x -> coalesce(x.string_value, toString(x.int_value), toString(x.double_value), toString(x.bool_value),
        base64Encode(x.bytes_value), nested_1(x), '')) AS text,
    (x -> CAST((x.key, arrayMap(y -> text(y), x.value)), 'Map(LowCardinality(String), String)')) AS strings,
    (x -> fromUnixTimestamp64Nano(toInt64(least(x, 9223372036854775807)), 'UTC')) AS instant,
    (x -> toFixedString(substring(x, 1, 16), 16)) AS id_16,
    (x -> toFixedString(substring(x, 1, 8), 8)) AS id_8
SELECT
    org, app, receipt, received_at, weight, key_id,
    instant(x_start_time_unix_nano) AS time,
    x_end_time_unix_nano - least(x_start_time_unix_nano, x_end_time_unix_nano) AS duration_ns,
    id_16(x_trace_id) AS trace_id,
    id_8(x_span_id) AS span_id,
    id_8(x_parent_span_id) AS parent_span_id,
    x_trace_state AS trace_state,
    x_name AS name,
    transform(x_kind, [0, 1, 2, 3, 4, 5], ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'], toString(x_kind)) AS kind,
    transform(x_status_code, [0, 1, 2], ['unset', 'ok', 'error'], toString(x_status_code)) AS status,
    x_status_message AS status_message,
    service,
    strings(x_attributes) AS attrs,
    x_dropped_attributes_count AS dropped_attrs,
    arrayMap(y -> instant(y), x_events_time_unix_nano) AS `events.time`,
    x_events_name AS `events.name`,
    arrayMap(y -> strings(y), x_events_attributes) AS `events.attrs`,
    x_events_dropped_attributes_count AS `events.dropped_attrs`,
    x_dropped_events_count AS dropped_events,
    arrayMap(y -> id_16(y), x_links_trace_id) AS `links.trace_id`,
    arrayMap(y -> id_8(y), x_links_span_id) AS `links.span_id`,
    x_links_trace_state AS `links.trace_state`,
    arrayMap(y -> strings(y), x_links_attributes) AS `links.attrs`,
    x_links_dropped_attributes_count AS `links.dropped_attrs`,
    x_links_flags AS `links.flags`,
    x_dropped_links_count AS dropped_links,
    x_flags AS flags,
    resource_attrs, resource_dropped_attrs, resource_schema_url,
    scope_name, scope_version, scope_attrs, scope_dropped_attrs, scope_schema_url
FROM
(
    SELECT
        org, app, receipt, received_at, weight, key_id, service, resource_attrs, resource_dropped_attrs,
        resource_schema_url,
        scope_name, scope_version, strings(s_attributes) AS scope_attrs, scope_dropped_attrs, scope_schema_url,
        x_trace_id, x_span_id, x_trace_state, x_parent_span_id, x_name, x_kind, x_start_time_unix_nano,
        x_end_time_unix_nano, x_attributes, x_dropped_attributes_count, x_events_time_unix_nano,
        x_events_name, x_events_attributes, x_events_dropped_attributes_count, x_dropped_events_count,
        x_links_trace_id, x_links_span_id, x_links_trace_state, x_links_attributes,
        x_links_dropped_attributes_count, x_links_flags, x_dropped_links_count, x_status_message,
        x_status_code, x_flags
    FROM
    (
        SELECT
            org, app, toUUIDOrZero(i.receipt) AS receipt, weight, key_id,
            fromUnixTimestamp64Milli(toInt64(intDiv(least(received_ns, 9223372036854775807), 1000000)), 'UTC') AS received_at,
            strings(r_attributes) AS resource_attrs, resource_attrs['service.name'] AS service,
            resource_dropped_attrs, resource_schema_url,
            scope_name, scope_version, s_attributes, scope_dropped_attrs, scope_schema_url,
            x_trace_id, x_span_id, x_trace_state, x_parent_span_id, x_name, x_kind, x_start_time_unix_nano,
            x_end_time_unix_nano, x_attributes, x_dropped_attributes_count, x_events_time_unix_nano,
            x_events_name, x_events_attributes, x_events_dropped_attributes_count, x_dropped_events_count,
            x_links_trace_id, x_links_span_id, x_links_trace_state, x_links_attributes,
            x_links_dropped_attributes_count, x_links_flags, x_dropped_links_count, x_status_message,
            x_status_code, x_flags
        FROM {database}.in_traces AS i
        ARRAY JOIN
            `traces.resource_spans.resource.attributes` AS r_attributes,
            `traces.resource_spans.resource.dropped_attributes_count` AS resource_dropped_attrs,
            `traces.resource_spans.schema_url` AS resource_schema_url,
            `traces.resource_spans.scope_spans.scope.name` AS scope_name,
            `traces.resource_spans.scope_spans.scope.version` AS scope_version,
            `traces.resource_spans.scope_spans.scope.attributes` AS s_attributes,
            `traces.resource_spans.scope_spans.scope.dropped_attributes_count` AS scope_dropped_attrs,
            `traces.resource_spans.scope_spans.schema_url` AS scope_schema_url,
            `traces.resource_spans.scope_spans.spans.trace_id` AS x_trace_id,
            `traces.resource_spans.scope_spans.spans.span_id` AS x_span_id,
            `traces.resource_spans.scope_spans.spans.trace_state` AS x_trace_state,
            `traces.resource_spans.scope_spans.spans.parent_span_id` AS x_parent_span_id,
            `traces.resource_spans.scope_spans.spans.name` AS x_name,
            `traces.resource_spans.scope_spans.spans.kind` AS x_kind,
            `traces.resource_spans.scope_spans.spans.start_time_unix_nano` AS x_start_time_unix_nano,
            `traces.resource_spans.scope_spans.spans.end_time_unix_nano` AS x_end_time_unix_nano,
            `traces.resource_spans.scope_spans.spans.attributes` AS x_attributes,
            `traces.resource_spans.scope_spans.spans.dropped_attributes_count` AS x_dropped_attributes_count,
            `traces.resource_spans.scope_spans.spans.events.time_unix_nano` AS x_events_time_unix_nano,
            `traces.resource_spans.scope_spans.spans.events.name` AS x_events_name,
            `traces.resource_spans.scope_spans.spans.events.attributes` AS x_events_attributes,
            `traces.resource_spans.scope_spans.spans.events.dropped_attributes_count` AS x_events_dropped_attributes_count,
            `traces.resource_spans.scope_spans.spans.dropped_events_count` AS x_dropped_events_count,
            `traces.resource_spans.scope_spans.spans.links.trace_id` AS x_links_trace_id,
            `traces.resource_spans.scope_spans.spans.links.span_id` AS x_links_span_id,
            `traces.resource_spans.scope_spans.spans.links.trace_state` AS x_links_trace_state,
            `traces.resource_spans.scope_spans.spans.links.attributes` AS x_links_attributes,
            `traces.resource_spans.scope_spans.spans.links.dropped_attributes_count` AS x_links_dropped_attributes_count,
            `traces.resource_spans.scope_spans.spans.links.flags` AS x_links_flags,
            `traces.resource_spans.scope_spans.spans.dropped_links_count` AS x_dropped_links_count,
            `traces.resource_spans.scope_spans.spans.status.message` AS x_status_message,
            `traces.resource_spans.scope_spans.spans.status.code` AS x_status_code,
            `traces.resource_spans.scope_spans.spans.flags` AS x_flags
    ) AS g
    ARRAY JOIN
        scope_name, scope_version, s_attributes, scope_dropped_attrs, scope_schema_url, x_trace_id,
        x_span_id, x_trace_state, x_parent_span_id, x_name, x_kind, x_start_time_unix_nano,
        x_end_time_unix_nano, x_attributes, x_dropped_attributes_count, x_events_time_unix_nano,
        x_events_name, x_events_attributes, x_events_dropped_attributes_count, x_dropped_events_count,
        x_links_trace_id, x_links_span_id, x_links_trace_state, x_links_attributes,
        x_links_dropped_attributes_count, x_links_flags, x_dropped_links_count, x_status_message,
        x_status_code, x_flags
) AS h
ARRAY JOIN
    x_trace_id, x_span_id, x_trace_state, x_parent_span_id, x_name, x_kind, x_start_time_unix_nano,
    x_end_time_unix_nano, x_attributes, x_dropped_attributes_count, x_events_time_unix_nano,
    x_events_name, x_events_attributes, x_events_dropped_attributes_count, x_dropped_events_count,
    x_links_trace_id, x_links_span_id, x_links_trace_state, x_links_attributes,
    x_links_dropped_attributes_count, x_links_flags, x_dropped_links_count, x_status_message,
    x_status_code, x_flags;

DETACH TABLE IF EXISTS {database}.spans_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.spans_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.logs_view {on_cluster};

ALTER TABLE {database}.logs_view {on_cluster} MODIFY QUERY
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
    org, app, receipt, received_at, weight, key_id,
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
        org, app, receipt, received_at, weight, key_id, service, resource_attrs, resource_dropped_attrs,
        resource_schema_url,
        scope_name, scope_version, strings(s_attributes) AS scope_attrs, scope_dropped_attrs, scope_schema_url,
        x_time_unix_nano, x_observed_time_unix_nano, x_severity_number, x_severity_text, x_body,
        x_attributes, x_dropped_attributes_count, x_flags, x_trace_id, x_span_id, x_event_name
    FROM
    (
        SELECT
            org, app, toUUIDOrZero(i.receipt) AS receipt, weight, key_id,
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

DETACH TABLE IF EXISTS {database}.logs_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.logs_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.metric_points_view {on_cluster};

ALTER TABLE {database}.metric_points_view {on_cluster} MODIFY QUERY
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
    (x -> coalesce(x.string_value, toString(x.int_value), toString(x.double_value), toString(x.bool_value),
        base64Encode(x.bytes_value), nested_1(x), '')) AS text,
    (x -> CAST((x.key, arrayMap(y -> text(y), x.value)), 'Map(LowCardinality(String), String)')) AS strings,
    (x -> fromUnixTimestamp64Nano(toInt64(least(x, 9223372036854775807)), 'UTC')) AS instant,
    (x -> toFixedString(substring(x, 1, 16), 16)) AS id_16,
    (x -> toFixedString(substring(x, 1, 8), 8)) AS id_8
SELECT
    org, app, receipt, received_at, weight, key_id,
    p.type AS type,
    x_name AS name,
    x_description AS description,
    x_unit AS unit,
    metadata,
    service,
    cityHash64(x_name, p.type, x_unit, mapSort(attrs), mapSort(resource_attrs), scope_name, scope_version, mapSort(scope_attrs)) AS series,
    instant(p.time) AS time,
    instant(p.start) AS start_time,
    transform(p.temporality, [0, 1, 2], ['unspecified', 'delta', 'cumulative'], toString(p.temporality)) AS temporality,
    p.monotonic AS monotonic,
    coalesce(p.as_double, toFloat64(p.as_int)) AS value,
    p.as_int AS value_int,
    p.count AS count,
    p.sum AS sum,
    p.min AS min,
    p.max AS max,
    p.bounds AS bounds,
    p.bucket_counts AS bucket_counts,
    p.scale AS scale,
    p.zero_count AS zero_count,
    p.zero_threshold AS zero_threshold,
    p.positive_offset AS positive_offset,
    p.positive_counts AS positive_counts,
    p.negative_offset AS negative_offset,
    p.negative_counts AS negative_counts,
    p.quantiles AS quantiles,
    p.quantile_values AS quantile_values,
    p.flags AS flags,
    arrayMap(y -> instant(y), p.exemplars.time_unix_nano) AS `exemplars.time`,
    arrayMap(y -> coalesce(y.as_double, toFloat64(y.as_int)), p.exemplars) AS `exemplars.value`,
    p.exemplars.as_int AS `exemplars.value_int`,
    arrayMap(y -> id_16(y), p.exemplars.trace_id) AS `exemplars.trace_id`,
    arrayMap(y -> id_8(y), p.exemplars.span_id) AS `exemplars.span_id`,
    arrayMap(y -> strings(y), p.exemplars.filtered_attributes) AS `exemplars.attrs`,
    strings(p.attributes) AS attrs,
    resource_attrs, resource_dropped_attrs, resource_schema_url,
    scope_name, scope_version, scope_attrs, scope_dropped_attrs, scope_schema_url
FROM
(
    SELECT
        org, app, receipt, received_at, weight, key_id, service, resource_attrs, resource_dropped_attrs,
        resource_schema_url, scope_name, scope_version, scope_attrs, scope_dropped_attrs, scope_schema_url,
        x_name, x_description, x_unit, strings(x_metadata) AS metadata,
        arrayConcat(
        arrayMap(p -> CAST(('gauge', 0, false, p.start_time_unix_nano, p.time_unix_nano, p.as_double, p.as_int, 0, NULL, NULL, NULL, [], [], 0, 0, 0, 0, [], 0, [], [], [], p.exemplars, p.attributes, p.flags), '{point}'), x_gauge_data_points),
        arrayMap(p -> CAST(('sum', x_sum_aggregation_temporality, x_sum_is_monotonic, p.start_time_unix_nano, p.time_unix_nano, p.as_double, p.as_int, 0, NULL, NULL, NULL, [], [], 0, 0, 0, 0, [], 0, [], [], [], p.exemplars, p.attributes, p.flags), '{point}'), x_sum_data_points),
        arrayMap(p -> CAST(('histogram', x_histogram_aggregation_temporality, false, p.start_time_unix_nano, p.time_unix_nano, NULL, NULL, p.count, p.sum, p.min, p.max, p.explicit_bounds, p.bucket_counts, 0, 0, 0, 0, [], 0, [], [], [], p.exemplars, p.attributes, p.flags), '{point}'), x_histogram_data_points),
        arrayMap(p -> CAST(('exponential_histogram', x_exponential_histogram_aggregation_temporality, false, p.start_time_unix_nano, p.time_unix_nano, NULL, NULL, p.count, p.sum, p.min, p.max, [], [], p.scale, p.zero_count, p.zero_threshold, p.positive.offset, p.positive.bucket_counts, p.negative.offset, p.negative.bucket_counts, [], [], p.exemplars, p.attributes, p.flags), '{point}'), x_exponential_histogram_data_points),
        arrayMap(p -> CAST(('summary', 0, false, p.start_time_unix_nano, p.time_unix_nano, NULL, NULL, p.count, p.sum, NULL, NULL, [], [], 0, 0, 0, 0, [], 0, [], p.quantile_values.quantile, p.quantile_values.value, CAST([], '{exemplars}'), p.attributes, p.flags), '{point}'), x_summary_data_points)) AS points
    FROM
    (
        SELECT
            org, app, receipt, received_at, weight, key_id, service, resource_attrs, resource_dropped_attrs,
            resource_schema_url,
            scope_name, scope_version, strings(s_attributes) AS scope_attrs, scope_dropped_attrs, scope_schema_url,
            x_name, x_description, x_unit, x_metadata, x_gauge_data_points, x_sum_data_points,
            x_sum_aggregation_temporality, x_sum_is_monotonic, x_histogram_data_points,
            x_histogram_aggregation_temporality, x_exponential_histogram_data_points,
            x_exponential_histogram_aggregation_temporality, x_summary_data_points
        FROM
        (
            SELECT
                org, app, toUUIDOrZero(i.receipt) AS receipt, weight, key_id,
                fromUnixTimestamp64Milli(toInt64(intDiv(least(received_ns, 9223372036854775807), 1000000)), 'UTC') AS received_at,
                strings(r_attributes) AS resource_attrs, resource_attrs['service.name'] AS service,
                resource_dropped_attrs, resource_schema_url,
                scope_name, scope_version, s_attributes, scope_dropped_attrs, scope_schema_url,
                x_name, x_description, x_unit, x_metadata, x_gauge_data_points, x_sum_data_points,
                x_sum_aggregation_temporality, x_sum_is_monotonic, x_histogram_data_points,
                x_histogram_aggregation_temporality, x_exponential_histogram_data_points,
                x_exponential_histogram_aggregation_temporality, x_summary_data_points
            FROM {database}.in_metrics AS i
            ARRAY JOIN
                `metrics.resource_metrics.resource.attributes` AS r_attributes,
                `metrics.resource_metrics.resource.dropped_attributes_count` AS resource_dropped_attrs,
                `metrics.resource_metrics.schema_url` AS resource_schema_url,
                `metrics.resource_metrics.scope_metrics.scope.name` AS scope_name,
                `metrics.resource_metrics.scope_metrics.scope.version` AS scope_version,
                `metrics.resource_metrics.scope_metrics.scope.attributes` AS s_attributes,
                `metrics.resource_metrics.scope_metrics.scope.dropped_attributes_count` AS scope_dropped_attrs,
                `metrics.resource_metrics.scope_metrics.schema_url` AS scope_schema_url,
                `metrics.resource_metrics.scope_metrics.metrics.name` AS x_name,
                `metrics.resource_metrics.scope_metrics.metrics.description` AS x_description,
                `metrics.resource_metrics.scope_metrics.metrics.unit` AS x_unit,
                `metrics.resource_metrics.scope_metrics.metrics.metadata` AS x_metadata,
                `metrics.resource_metrics.scope_metrics.metrics.gauge.data_points` AS x_gauge_data_points,
                `metrics.resource_metrics.scope_metrics.metrics.sum.data_points` AS x_sum_data_points,
                `metrics.resource_metrics.scope_metrics.metrics.sum.aggregation_temporality` AS x_sum_aggregation_temporality,
                `metrics.resource_metrics.scope_metrics.metrics.sum.is_monotonic` AS x_sum_is_monotonic,
                `metrics.resource_metrics.scope_metrics.metrics.histogram.data_points` AS x_histogram_data_points,
                `metrics.resource_metrics.scope_metrics.metrics.histogram.aggregation_temporality` AS x_histogram_aggregation_temporality,
                `metrics.resource_metrics.scope_metrics.metrics.exponential_histogram.data_points` AS x_exponential_histogram_data_points,
                `metrics.resource_metrics.scope_metrics.metrics.exponential_histogram.aggregation_temporality` AS x_exponential_histogram_aggregation_temporality,
                `metrics.resource_metrics.scope_metrics.metrics.summary.data_points` AS x_summary_data_points
        ) AS g
        ARRAY JOIN
            scope_name, scope_version, s_attributes, scope_dropped_attrs, scope_schema_url, x_name,
            x_description, x_unit, x_metadata, x_gauge_data_points, x_sum_data_points,
            x_sum_aggregation_temporality, x_sum_is_monotonic, x_histogram_data_points,
            x_histogram_aggregation_temporality, x_exponential_histogram_data_points,
            x_exponential_histogram_aggregation_temporality, x_summary_data_points
    ) AS h
    ARRAY JOIN
        x_name, x_description, x_unit, x_metadata, x_gauge_data_points, x_sum_data_points,
        x_sum_aggregation_temporality, x_sum_is_monotonic, x_histogram_data_points,
        x_histogram_aggregation_temporality, x_exponential_histogram_data_points,
        x_exponential_histogram_aggregation_temporality, x_summary_data_points
) AS m
ARRAY JOIN points AS p;

DETACH TABLE IF EXISTS {database}.metric_points_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.metric_points_view {on_cluster};

-- 4. The ledger. An envelope that tells of requests turned away, whose items nobody counted, is no
-- request of its own. `unchecked` marks what was counted before `stored` was.

ALTER TABLE {database}.ledger {on_cluster}
    ADD COLUMN IF NOT EXISTS duplicate SimpleAggregateFunction(sum, UInt64),
    ADD COLUMN IF NOT EXISTS dead_lettered SimpleAggregateFunction(sum, UInt64),
    ADD COLUMN IF NOT EXISTS stored SimpleAggregateFunction(sum, UInt64),
    ADD COLUMN IF NOT EXISTS archived SimpleAggregateFunction(sum, UInt64),
    ADD COLUMN IF NOT EXISTS dead_letters SimpleAggregateFunction(sum, UInt64),
    ADD COLUMN IF NOT EXISTS request_rejections SimpleAggregateFunction(sumMap, Map(String, UInt64)),
    ADD COLUMN IF NOT EXISTS unchecked SimpleAggregateFunction(max, UInt8);

ATTACH TABLE IF NOT EXISTS {database}.ledger_events_view {on_cluster};

ALTER TABLE {database}.ledger_events_view {on_cluster} MODIFY QUERY
SELECT
    org, app, 'events' AS signal,
    toStartOfMinute(toDateTime(intDiv(least(received_ns, 4294967295000000000), 1000000000), 'UTC')) AS minute,
    key_id,
    countIf(i.outcome.offered > 0 OR empty(i.outcome.request_rejections)) AS requests,
    sum(toUInt64(i.outcome.offered)) AS offered,
    sum(toUInt64(i.outcome.accepted)) AS accepted,
    sumMap(CAST(i.outcome.rejected, 'Map(String, UInt64)')) AS rejected,
    sum(toUInt64(i.outcome.sampled)) AS sampled,
    sum(toUInt64(i.outcome.limited)) AS limited,
    sum(toUInt64(i.outcome.duplicate)) AS duplicate,
    sum(toUInt64(i.outcome.dead_lettered)) AS dead_lettered,
    sum(length(i.dead_letters.index)) AS dead_letters,
    sumMap(CAST(i.outcome.request_rejections, 'Map(String, UInt64)')) AS request_rejections
FROM {database}.in_events AS i
GROUP BY org, app, signal, minute, key_id;

DETACH TABLE IF EXISTS {database}.ledger_events_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.ledger_events_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.ledger_traces_view {on_cluster};

ALTER TABLE {database}.ledger_traces_view {on_cluster} MODIFY QUERY
SELECT
    org, app, 'traces' AS signal,
    toStartOfMinute(toDateTime(intDiv(least(received_ns, 4294967295000000000), 1000000000), 'UTC')) AS minute,
    key_id,
    countIf(i.outcome.offered > 0 OR empty(i.outcome.request_rejections)) AS requests,
    sum(toUInt64(i.outcome.offered)) AS offered,
    sum(toUInt64(i.outcome.accepted)) AS accepted,
    sumMap(CAST(i.outcome.rejected, 'Map(String, UInt64)')) AS rejected,
    sum(toUInt64(i.outcome.sampled)) AS sampled,
    sum(toUInt64(i.outcome.limited)) AS limited,
    sum(toUInt64(i.outcome.duplicate)) AS duplicate,
    sum(toUInt64(i.outcome.dead_lettered)) AS dead_lettered,
    sum(length(i.dead_letters.index)) AS dead_letters,
    sumMap(CAST(i.outcome.request_rejections, 'Map(String, UInt64)')) AS request_rejections
FROM {database}.in_traces AS i
GROUP BY org, app, signal, minute, key_id;

DETACH TABLE IF EXISTS {database}.ledger_traces_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.ledger_traces_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.ledger_metrics_view {on_cluster};

ALTER TABLE {database}.ledger_metrics_view {on_cluster} MODIFY QUERY
SELECT
    org, app, 'metrics' AS signal,
    toStartOfMinute(toDateTime(intDiv(least(received_ns, 4294967295000000000), 1000000000), 'UTC')) AS minute,
    key_id,
    countIf(i.outcome.offered > 0 OR empty(i.outcome.request_rejections)) AS requests,
    sum(toUInt64(i.outcome.offered)) AS offered,
    sum(toUInt64(i.outcome.accepted)) AS accepted,
    sumMap(CAST(i.outcome.rejected, 'Map(String, UInt64)')) AS rejected,
    sum(toUInt64(i.outcome.sampled)) AS sampled,
    sum(toUInt64(i.outcome.limited)) AS limited,
    sum(toUInt64(i.outcome.duplicate)) AS duplicate,
    sum(toUInt64(i.outcome.dead_lettered)) AS dead_lettered,
    sum(length(i.dead_letters.index)) AS dead_letters,
    sumMap(CAST(i.outcome.request_rejections, 'Map(String, UInt64)')) AS request_rejections
FROM {database}.in_metrics AS i
GROUP BY org, app, signal, minute, key_id;

DETACH TABLE IF EXISTS {database}.ledger_metrics_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.ledger_metrics_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.ledger_logs_view {on_cluster};

ALTER TABLE {database}.ledger_logs_view {on_cluster} MODIFY QUERY
SELECT
    org, app, 'logs' AS signal,
    toStartOfMinute(toDateTime(intDiv(least(received_ns, 4294967295000000000), 1000000000), 'UTC')) AS minute,
    key_id,
    countIf(i.outcome.offered > 0 OR empty(i.outcome.request_rejections)) AS requests,
    sum(toUInt64(i.outcome.offered)) AS offered,
    sum(toUInt64(i.outcome.accepted)) AS accepted,
    sumMap(CAST(i.outcome.rejected, 'Map(String, UInt64)')) AS rejected,
    sum(toUInt64(i.outcome.sampled)) AS sampled,
    sum(toUInt64(i.outcome.limited)) AS limited,
    sum(toUInt64(i.outcome.duplicate)) AS duplicate,
    sum(toUInt64(i.outcome.dead_lettered)) AS dead_lettered,
    sum(length(i.dead_letters.index)) AS dead_letters,
    sumMap(CAST(i.outcome.request_rejections, 'Map(String, UInt64)')) AS request_rejections
FROM {database}.in_logs AS i
GROUP BY org, app, signal, minute, key_id;

DETACH TABLE IF EXISTS {database}.ledger_logs_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.ledger_logs_view {on_cluster};

-- `stored` is counted from the rows themselves, not from what envelopes claim: it is what the law
-- is checked against.

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_stored_events_view {on_cluster} TO {database}.ledger AS
SELECT org, app, 'events' AS signal, toStartOfMinute(toDateTime(r.received_at, 'UTC')) AS minute, key_id, count() AS stored
FROM {database}.events AS r
GROUP BY org, app, signal, minute, key_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_stored_traces_view {on_cluster} TO {database}.ledger AS
SELECT org, app, 'traces' AS signal, toStartOfMinute(toDateTime(r.received_at, 'UTC')) AS minute, key_id, count() AS stored
FROM {database}.spans AS r
GROUP BY org, app, signal, minute, key_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_stored_metrics_view {on_cluster} TO {database}.ledger AS
SELECT org, app, 'metrics' AS signal, toStartOfMinute(toDateTime(r.received_at, 'UTC')) AS minute, key_id, count() AS stored
FROM {database}.metric_points AS r
GROUP BY org, app, signal, minute, key_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_stored_logs_view {on_cluster} TO {database}.ledger AS
SELECT org, app, 'logs' AS signal, toStartOfMinute(toDateTime(r.received_at, 'UTC')) AS minute, key_id, count() AS stored
FROM {database}.logs AS r
GROUP BY org, app, signal, minute, key_id;

ALTER TABLE {database}.ledger {on_cluster} UPDATE unchecked = 1 WHERE requests > 0 SETTINGS mutations_sync = 1;

-- 5. Receipts: one row for each envelope. A batch that was split, or sent again, has several.

CREATE TABLE IF NOT EXISTS {database}.receipts {on_cluster}
(
    org LowCardinality(String),
    receipt UUID,
    app LowCardinality(String),
    signal LowCardinality(String),
    key_id LowCardinality(String),
    received_at DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    offered UInt32,
    accepted UInt32,
    rejected Map(LowCardinality(String), UInt32),
    sampled UInt32,
    limited UInt32,
    duplicate UInt32,
    dead_lettered UInt32,
    dead_letters UInt32
)
ENGINE = {merge_tree}
PARTITION BY toDate(received_at)
ORDER BY (org, receipt)
TTL toDateTime(received_at) + INTERVAL 30 DAY
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.receipts_events_view {on_cluster} TO {database}.receipts AS
SELECT
    org, toUUIDOrZero(i.receipt) AS receipt, app, 'events' AS signal, key_id,
    fromUnixTimestamp64Milli(toInt64(intDiv(least(i.received_ns, 9223372036854775807), 1000000)), 'UTC') AS received_at,
    i.outcome.offered AS offered,
    i.outcome.accepted AS accepted,
    i.outcome.rejected AS rejected,
    i.outcome.sampled AS sampled,
    i.outcome.limited AS limited,
    i.outcome.duplicate AS duplicate,
    i.outcome.dead_lettered AS dead_lettered,
    toUInt32(length(i.dead_letters.index)) AS dead_letters
FROM {database}.in_events AS i
WHERE i.outcome.offered > 0 OR empty(i.outcome.request_rejections);

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.receipts_traces_view {on_cluster} TO {database}.receipts AS
SELECT
    org, toUUIDOrZero(i.receipt) AS receipt, app, 'traces' AS signal, key_id,
    fromUnixTimestamp64Milli(toInt64(intDiv(least(i.received_ns, 9223372036854775807), 1000000)), 'UTC') AS received_at,
    i.outcome.offered AS offered,
    i.outcome.accepted AS accepted,
    i.outcome.rejected AS rejected,
    i.outcome.sampled AS sampled,
    i.outcome.limited AS limited,
    i.outcome.duplicate AS duplicate,
    i.outcome.dead_lettered AS dead_lettered,
    toUInt32(length(i.dead_letters.index)) AS dead_letters
FROM {database}.in_traces AS i
WHERE i.outcome.offered > 0 OR empty(i.outcome.request_rejections);

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.receipts_metrics_view {on_cluster} TO {database}.receipts AS
SELECT
    org, toUUIDOrZero(i.receipt) AS receipt, app, 'metrics' AS signal, key_id,
    fromUnixTimestamp64Milli(toInt64(intDiv(least(i.received_ns, 9223372036854775807), 1000000)), 'UTC') AS received_at,
    i.outcome.offered AS offered,
    i.outcome.accepted AS accepted,
    i.outcome.rejected AS rejected,
    i.outcome.sampled AS sampled,
    i.outcome.limited AS limited,
    i.outcome.duplicate AS duplicate,
    i.outcome.dead_lettered AS dead_lettered,
    toUInt32(length(i.dead_letters.index)) AS dead_letters
FROM {database}.in_metrics AS i
WHERE i.outcome.offered > 0 OR empty(i.outcome.request_rejections);

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.receipts_logs_view {on_cluster} TO {database}.receipts AS
SELECT
    org, toUUIDOrZero(i.receipt) AS receipt, app, 'logs' AS signal, key_id,
    fromUnixTimestamp64Milli(toInt64(intDiv(least(i.received_ns, 9223372036854775807), 1000000)), 'UTC') AS received_at,
    i.outcome.offered AS offered,
    i.outcome.accepted AS accepted,
    i.outcome.rejected AS rejected,
    i.outcome.sampled AS sampled,
    i.outcome.limited AS limited,
    i.outcome.duplicate AS duplicate,
    i.outcome.dead_lettered AS dead_lettered,
    toUInt32(length(i.dead_letters.index)) AS dead_letters
FROM {database}.in_logs AS i
WHERE i.outcome.offered > 0 OR empty(i.outcome.request_rejections);

-- 6. Dead letters. `dead_letter_id` names a dead letter wherever the log is stored: it is a hash of what the
-- envelope says of it. Nothing is written for a block without dead letters.

CREATE TABLE IF NOT EXISTS {database}.dead_letters {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    signal LowCardinality(String),
    received_at DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    receipt UUID,
    `index` UInt32,
    dead_letter_id UUID,
    reason LowCardinality(String),
    field String,
    message String,
    name String,
    original String CODEC(ZSTD(3)),
    key_id LowCardinality(String),
    sent_ms UInt64,
    sdk_name LowCardinality(String),
    sdk_version LowCardinality(String),
    protocol LowCardinality(String)
)
ENGINE = {merge_tree}
PARTITION BY toDate(received_at)
ORDER BY (org, app, received_at, receipt, `index`)
TTL toDateTime(received_at) + INTERVAL 30 DAY
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.dead_letters_events_view {on_cluster} TO {database}.dead_letters AS
SELECT
    org, app, 'events' AS signal,
    fromUnixTimestamp64Milli(toInt64(intDiv(least(i.received_ns, 9223372036854775807), 1000000)), 'UTC') AS received_at,
    toUUIDOrZero(i.receipt) AS receipt,
    l_index AS `index`,
    reinterpretAsUUID(sipHash128(org, app, i.receipt, received_ns, l_index, l_reason, l_name)) AS dead_letter_id,
    l_reason AS reason,
    l_field AS field,
    l_message AS message,
    l_name AS name,
    l_original AS original,
    key_id, sent_ms, sdk_name, sdk_version, protocol
FROM {database}.in_events AS i
ARRAY JOIN
    `dead_letters.index` AS l_index, `dead_letters.reason` AS l_reason, `dead_letters.field` AS l_field,
    `dead_letters.message` AS l_message, `dead_letters.name` AS l_name, `dead_letters.original` AS l_original;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.dead_letters_traces_view {on_cluster} TO {database}.dead_letters AS
SELECT
    org, app, 'traces' AS signal,
    fromUnixTimestamp64Milli(toInt64(intDiv(least(i.received_ns, 9223372036854775807), 1000000)), 'UTC') AS received_at,
    toUUIDOrZero(i.receipt) AS receipt,
    l_index AS `index`,
    reinterpretAsUUID(sipHash128(org, app, i.receipt, received_ns, l_index, l_reason, l_name)) AS dead_letter_id,
    l_reason AS reason,
    l_field AS field,
    l_message AS message,
    l_name AS name,
    l_original AS original,
    key_id, sent_ms, sdk_name, sdk_version, protocol
FROM {database}.in_traces AS i
ARRAY JOIN
    `dead_letters.index` AS l_index, `dead_letters.reason` AS l_reason, `dead_letters.field` AS l_field,
    `dead_letters.message` AS l_message, `dead_letters.name` AS l_name, `dead_letters.original` AS l_original;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.dead_letters_metrics_view {on_cluster} TO {database}.dead_letters AS
SELECT
    org, app, 'metrics' AS signal,
    fromUnixTimestamp64Milli(toInt64(intDiv(least(i.received_ns, 9223372036854775807), 1000000)), 'UTC') AS received_at,
    toUUIDOrZero(i.receipt) AS receipt,
    l_index AS `index`,
    reinterpretAsUUID(sipHash128(org, app, i.receipt, received_ns, l_index, l_reason, l_name)) AS dead_letter_id,
    l_reason AS reason,
    l_field AS field,
    l_message AS message,
    l_name AS name,
    l_original AS original,
    key_id, sent_ms, sdk_name, sdk_version, protocol
FROM {database}.in_metrics AS i
ARRAY JOIN
    `dead_letters.index` AS l_index, `dead_letters.reason` AS l_reason, `dead_letters.field` AS l_field,
    `dead_letters.message` AS l_message, `dead_letters.name` AS l_name, `dead_letters.original` AS l_original;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.dead_letters_logs_view {on_cluster} TO {database}.dead_letters AS
SELECT
    org, app, 'logs' AS signal,
    fromUnixTimestamp64Milli(toInt64(intDiv(least(i.received_ns, 9223372036854775807), 1000000)), 'UTC') AS received_at,
    toUUIDOrZero(i.receipt) AS receipt,
    l_index AS `index`,
    reinterpretAsUUID(sipHash128(org, app, i.receipt, received_ns, l_index, l_reason, l_name)) AS dead_letter_id,
    l_reason AS reason,
    l_field AS field,
    l_message AS message,
    l_name AS name,
    l_original AS original,
    key_id, sent_ms, sdk_name, sdk_version, protocol
FROM {database}.in_logs AS i
ARRAY JOIN
    `dead_letters.index` AS l_index, `dead_letters.reason` AS l_reason, `dead_letters.field` AS l_field,
    `dead_letters.message` AS l_message, `dead_letters.name` AS l_name, `dead_letters.original` AS l_original;

-- 7. Dead letters that were sent again and taken: an event of a replay carries its dead letter's id. Written
-- by the same block as the event, so neither can be there without the other.

CREATE TABLE IF NOT EXISTS {database}.dead_letter_replays {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    dead_letter_id UUID,
    replayed_at DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    receipt UUID
)
ENGINE = {merge_tree}
PARTITION BY toYYYYMM(replayed_at)
ORDER BY (org, app, dead_letter_id)
TTL toDateTime(replayed_at) + INTERVAL 90 DAY
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.dead_letter_replays_view {on_cluster} TO {database}.dead_letter_replays AS
SELECT org, app, toUUIDOrZero(e.event_id) AS dead_letter_id, now64(3, 'UTC') AS replayed_at, receipt
FROM {database}.events AS e
WHERE key_id = 'replay' AND dead_letter_id != toUUIDOrZero('');

-- 8. Inserts may come in again.

ALTER TABLE {database}.in_events {on_cluster}
    DROP COLUMN IF EXISTS closed;

ALTER TABLE {database}.in_traces {on_cluster}
    DROP COLUMN IF EXISTS closed;

ALTER TABLE {database}.in_metrics {on_cluster}
    DROP COLUMN IF EXISTS closed;

ALTER TABLE {database}.in_logs {on_cluster}
    DROP COLUMN IF EXISTS closed;
