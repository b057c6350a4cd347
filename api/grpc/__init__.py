"""Questions over gRPC: `seamark.query.v1` (`query.proto`), health and reflection."""
