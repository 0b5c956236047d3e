"""The demo: index the running Python's standard library with a queue, and check the index.

`count` counts one file, `tasks` makes a job of it, `run` plays it with worker processes, `watch`
shows how far it is, `report` reads the outcome from the database. `shop`, `traffic` and `live` are
the demo that does not end.
"""
