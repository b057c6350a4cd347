"""Live tails of logs: what is new (`seen`), who follows it (`feed`, `tails`), how it is told."""
