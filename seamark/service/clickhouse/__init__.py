"""ClickHouse over HTTP: one client, one classification of error codes, one way to quote."""
