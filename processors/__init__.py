"""Everything that reads the log and carries it on."""
