"""What `docker compose up` needs before the first server starts: see `docs/compose.md`."""
