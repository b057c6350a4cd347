"""What collectors share of limits: leases and counts in Redis, and a file."""
