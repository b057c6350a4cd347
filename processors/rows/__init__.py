"""`processors rows`: from the log into ClickHouse, one insert a block, one token an insert."""
