"""From an envelope to the log's acknowledgement."""
