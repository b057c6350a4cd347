"""`processors rows`: from the log into ClickHouse."""
