-- The ledger: counts of what was offered, by minute of receipt, for every signal, in the signal's own items.
-- Laws, by org, app, signal, minute and key:
--     offered  = accepted + sum(rejected) + sampled + limited
--     accepted = stored + duplicate + dead_lettered
--     archived = stored, once the archive has caught up
CREATE TABLE IF NOT EXISTS {database}.ledger {on_cluster}
(
    {org_and_app},
    signal LowCardinality(String),
    minute DateTime('UTC'),
    key_id LowCardinality(String),
    requests {total},
    offered {total},
    accepted {total},
    rejected {totals_by_reason},
    sampled {total},
    limited {total},
    duplicate {total},
    dead_lettered {total},
    stored {total},
    archived {total},
    dead_letters {total},
    request_rejections {totals_by_reason}
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(minute)
ORDER BY (org, app, signal, minute, key_id)
TTL minute + INTERVAL 5 YEAR
SETTINGS {deduplication}, ttl_only_drop_parts = 1;
