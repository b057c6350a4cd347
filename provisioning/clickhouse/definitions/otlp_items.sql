-- One row for each scope of the requests in in_{signal}, with its items as arrays, one for each field, named
-- `x.<field>`. Whatever includes this defines `signal`, `kind` (as in resource_<kind>) and `items`, and joins
-- {arrays} to get rows of items. It is a SELECT without an end.
--: arrays = [`x.{field}` for field type in {fields_{signal}}]
--: paths = [`{signal}.resource_{kind}.scope_{kind}.{items}.{field}` AS `x.{field}`
--:     for field type in {fields_{signal}}]
--: resource = [`{signal}.resource_{kind}.{field}` AS {name} for field type name in {of_resource}]
--: scope = [`{signal}.resource_{kind}.scope_{kind}.{field}` AS {name} for field type name in {of_scope}]
--: scope_names = [{name} for field type name in {of_scope}]
    SELECT
        {row_columns}, {resource_columns},
        scope_name, scope_version, strings(s_attributes) AS scope_attrs, type_codes(s_attributes) AS scope_attr_types,
        scope_dropped_attrs, scope_schema_url,
        {arrays}
    FROM
    (
        SELECT
            org, app, {receipt} AS receipt, weight, key_id,
            {received_at} AS received_at,
            strings(r_attributes) AS resource_attrs, resource_attrs['service.name'] AS service,
            type_codes(r_attributes) AS resource_attr_types, resource_dropped_attrs, resource_schema_url,
            {scope_names},
            {arrays}
        FROM {database}.in_{signal} AS i
        ARRAY JOIN
            {resource},
            {scope},
            {paths}
    ) AS g
    ARRAY JOIN {scope_names}, {arrays}
