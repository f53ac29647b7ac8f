"""For the separate SQL service of docs/deploy.md: no connection may build a giant value."""

import sqlite3

import pluggy

hookimpl = pluggy.HookimplMarker("datasette")


@hookimpl
def prepare_connection(conn: sqlite3.Connection) -> None:
    """One cell or text of at most a million bytes; without it one query took 870 MB within its time limit."""
    conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000)
