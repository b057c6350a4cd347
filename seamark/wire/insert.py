"""Settings that go with every insert of a block into `in_<signal>`, beside its token.

The views are written for these; a value that is the engine's own default stands here where a
server's profile could have changed it and the block would then be refused, lost or doubled.
"""

from collections.abc import Mapping
from typing import Final

INSERT_SETTINGS: Final[Mapping[str, str]] = {
    # The schema of the block, by the name that the store knows it by.
    "format_schema": "seamark_envelope:Envelope",
    # The token reaches every table behind the views, so that a block sent again fills in what an
    # interrupted insert had left out, and nothing else.
    "deduplicate_blocks_in_dependent_materialized_views": "1",
    "insert_deduplicate": "1",
    # The answer to the insert means that the rows are there.
    "async_insert": "0",
    # All tables or none: a view that fails fails the insert, and the block is sent again.
    "materialized_views_ignore_errors": "0",
    # A block has to fall into the same parts each time it is sent, because parts are what the token
    # is remembered for. One thread, one order; it costs no more CPU than several.
    "max_threads": "1",
    "max_insert_threads": "1",
    "input_format_parallel_parsing": "0",
    "parallel_view_processing": "0",
    # A view gives each key of a rollup once for a block, so merging the rows of a block again as it
    # is written finds nothing to merge; leaving that to the background saves a tenth of the CPU.
    "optimize_on_insert": "0",
    # Rollups are partitioned by month of the sender's time, which can be any: a sender with a wild
    # clock must not be able to have a block refused (the engine's limit is 100).
    "max_partitions_per_insert_block": "0",
    # The same for its times: out of range is cut off, not refused.
    "date_time_overflow_behavior": "ignore",
}
