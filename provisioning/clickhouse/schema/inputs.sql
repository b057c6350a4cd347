-- Where blocks of the log come in, in protobuf (seamark/wire/envelope.proto): one table for each signal, which
-- keeps nothing; views read what is inserted.
--
-- There is one column for each field of the protobuf, as deep in arrays as the field is in repeated messages:
-- one column of nested tuples would do too, but its type is then copied and compared at every step, which made
-- an insert take three times as long.
--: exemplars = Array(Tuple(time_unix_nano UInt64, as_double Nullable(Float64), as_int Nullable(Int64),
--:     span_id String, trace_id String, filtered_attributes {attributes}))
--: point_times = start_time_unix_nano UInt64, time_unix_nano UInt64
--: point_attributes = exemplars {exemplars}, attributes {attributes}, flags UInt32
--: observed = count UInt64, sum Nullable(Float64), min Nullable(Float64), max Nullable(Float64)
--: buckets = Tuple(offset Int32, bucket_counts Array(UInt64))
--: number_points = Array(Tuple({point_times}, as_double Nullable(Float64), as_int Nullable(Int64),
--:     {point_attributes}))
--: histogram_points = Array(Tuple({point_times}, {observed}, bucket_counts Array(UInt64),
--:     explicit_bounds Array(Float64), {point_attributes}))
--: exponential_points = Array(Tuple({point_times}, {observed}, scale Int32, zero_count UInt64,
--:     zero_threshold Float64, positive {buckets}, negative {buckets}, {point_attributes}))
--: summary_points = Array(Tuple({point_times}, count UInt64, sum Float64,
--:     quantile_values Array(Tuple(quantile Float64, value Float64)), attributes {attributes}, flags UInt32))
--
-- Fields of what a signal has many of, with their types.
--: fields_traces = trace_id String, span_id String, trace_state String, parent_span_id String, name String,
--:     kind Int32, start_time_unix_nano UInt64, end_time_unix_nano UInt64, attributes {attributes},
--:     dropped_attributes_count UInt32, events.time_unix_nano Array(UInt64), events.name Array(String),
--:     events.attributes Array({attributes}), events.dropped_attributes_count Array(UInt32),
--:     dropped_events_count UInt32, links.trace_id Array(String), links.span_id Array(String),
--:     links.trace_state Array(String), links.attributes Array({attributes}),
--:     links.dropped_attributes_count Array(UInt32), links.flags Array(UInt32), dropped_links_count UInt32,
--:     status.message String, status.code Int32, flags UInt32
--: fields_metrics = name String, description String, unit String, metadata {attributes},
--:     gauge.data_points {number_points}, sum.data_points {number_points},
--:     sum.aggregation_temporality Int32, sum.is_monotonic Bool, histogram.data_points {histogram_points},
--:     histogram.aggregation_temporality Int32, exponential_histogram.data_points {exponential_points},
--:     exponential_histogram.aggregation_temporality Int32, summary.data_points {summary_points}
--: fields_logs = time_unix_nano UInt64, observed_time_unix_nano UInt64, severity_number Int32,
--:     severity_text String, body {any}, attributes {attributes}, dropped_attributes_count UInt32,
--:     flags UInt32, trace_id String, span_id String, event_name String
--
-- Columns that all have: what an envelope says of its request.
--: outcome = Tuple(offered UInt32, accepted UInt32, rejected Map(String, UInt32), sampled UInt32,
--:     limited UInt32, duplicate UInt32, dead_lettered UInt32, request_rejections Map(String, UInt32),
--:     part UInt32)
--: envelope =
--:     org LowCardinality(String),
--:     app LowCardinality(String),
--:     receipt String,
--:     received_ns UInt64,
--:     key_id String,
--:     sent_ms UInt64,
--:     weight Float64,
--:     outcome {outcome},
--:     sdk_name LowCardinality(String),
--:     sdk_version LowCardinality(String),
--:     protocol LowCardinality(String),
--:     `dead_letters.index` Array(UInt32),
--:     {dead_letter_texts}
--: dead_letter_texts = [`dead_letters.{field}` Array(String) for field in reason, field, message, name, original]
--: labels = [{name} LowCardinality(String)
--:     for name in country, browser, browser_version, os, os_version, device, datacenter, server_version]

CREATE TABLE IF NOT EXISTS {database}.in_events {on_cluster}
(
    {envelope},
    skew_ms Int64,
    ip_hash String,
    {labels},
    events_json String
)
ENGINE = Null;

-- Of a resource and a scope: the field, its type, its name in the views.
--: of_resource = resource.attributes {attributes} r_attributes,
--:     resource.dropped_attributes_count UInt32 resource_dropped_attrs, schema_url String resource_schema_url
--: of_scope = scope.name String scope_name, scope.version String scope_version,
--:     scope.attributes {attributes} s_attributes, scope.dropped_attributes_count UInt32 scope_dropped_attrs,
--:     schema_url String scope_schema_url

--: for signal kind items in traces spans spans, metrics metrics metrics, logs logs log_records
--: resource = [`{signal}.resource_{kind}.{field}` Array({type}) for field type name in {of_resource}]
--: scope = [`{signal}.resource_{kind}.scope_{kind}.{field}` Array(Array({type})) for field type name in {of_scope}]
--: columns = [`{signal}.resource_{kind}.scope_{kind}.{items}.{field}` Array(Array(Array({type})))
--:     for field type in {fields_{signal}}]
CREATE TABLE IF NOT EXISTS {database}.in_{signal} {on_cluster}
(
    {envelope},
    {resource},
    {scope},
    {columns}
)
ENGINE = Null;
--: end
