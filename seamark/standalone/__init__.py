"""The one-machine stack: supervisor, embedded store, first-run credentials."""
