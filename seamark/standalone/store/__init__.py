"""The embedded store: one process that owns a chdb data folder and speaks ClickHouse over HTTP.

    http.py       the collector: routes, sign-in, delivery, what a client's going away means
    request.py    an HTTP request as a value (pure)
    statement.py  what little must be known of a statement's text (pure)
    execution.py  one request carried out, in a worker thread
    engine.py     connections to the engine, statements, results
    folder.py     the data folder: lock, layout, engine configuration

Only one process can have the folder open, readers too, so everything else in the stack speaks to
this one over HTTP, exactly as it would to a real server.
"""
