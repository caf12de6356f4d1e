"""The journal's SQLite file: lines are added, never changed. All SQL text of the bridge stands here."""

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, NamedTuple

from ib_bridge.journal.entries import NEW_YORK, Entry, Kind

SCHEMA = """
CREATE TABLE IF NOT EXISTS connections (
    id INTEGER PRIMARY KEY AUTOINCREMENT, made_at REAL NOT NULL, client INTEGER NOT NULL,
    account TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, connection INTEGER NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL,
    client_id TEXT NOT NULL, leg TEXT NOT NULL, order_id INTEGER NOT NULL, perm_id INTEGER NOT NULL,
    execution_id TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS open_legs (
    client_id TEXT NOT NULL, leg TEXT NOT NULL, connection INTEGER NOT NULL, seen_at REAL NOT NULL,
    PRIMARY KEY (client_id, leg)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_client_id ON entries (client_id, seq) WHERE client_id <> '';
CREATE INDEX IF NOT EXISTS entries_perm_id ON entries (perm_id, seq) WHERE perm_id <> 0;
CREATE INDEX IF NOT EXISTS entries_execution_id ON entries (execution_id, seq) WHERE execution_id <> '';
CREATE INDEX IF NOT EXISTS entries_kind ON entries (kind, at);
CREATE INDEX IF NOT EXISTS entries_stem ON entries (rtrim(execution_id, '0123456789'))
    WHERE execution_id <> '';
CREATE UNIQUE INDEX IF NOT EXISTS entries_execution_once ON entries (execution_id) WHERE kind = 'execDetails';
"""
COLUMNS = "seq, connection, at, kind, client_id, leg, order_id, perm_id, execution_id, body"
INSERT = """
INSERT OR IGNORE INTO entries (connection, at, kind, client_id, leg, order_id, perm_id, execution_id, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# What was executed since then, and what was told since then of older executions: corrections, commissions.
TOLD_SINCE = f"""
SELECT {COLUMNS} FROM entries WHERE execution_id <> '' AND rtrim(execution_id, '0123456789') IN (
    SELECT rtrim(execution_id, '0123456789') FROM entries
    WHERE kind IN ('execDetails', 'commissionReport') AND at >= ?
) ORDER BY seq
"""


OPEN_LEGS = """
SELECT client_id, leg, connection, seen_at FROM open_legs JOIN connections ON connections.id = connection
WHERE account = (SELECT account FROM connections WHERE id = ?) ORDER BY 1, 2
"""
FIRST_READ = """
SELECT min(at) FROM entries JOIN connections ON connections.id = connection
WHERE kind = 'state' AND body = ? AND account = (SELECT account FROM connections WHERE id = ?)
"""


class OpenLeg(NamedTuple):
    """`connection`: in which it was sent or first seen; `seen_at`: when it was last known to be there."""

    client_id: str
    leg: str
    connection: int
    seen_at: datetime


class Journal:
    """One writer, in one thread. What is added is on the disk once `commit` returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._database = sqlite3.connect(path)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(SCHEMA)
        self._database.commit()
        self.connection = 0
        self.is_dirty = False

    def close(self) -> None:
        self.commit()
        self._database.close()

    def begin_connection(self, at: datetime, client: int, account: str) -> int:
        """Note a new connection, to which what is added from now on belongs. Return its number."""
        row = self._database.execute(
            "INSERT INTO connections (made_at, client, account) VALUES (?, ?, ?)",
            (at.timestamp(), client, account),
        )
        self.connection = int(row.lastrowid or 0)
        self._database.commit()
        return self.connection

    def add(
        self,
        at: datetime,
        kind: Kind,
        body: Mapping[str, Any],
        *,
        order: tuple[str, str] = ("", ""),
        order_id: int = 0,
        perm_id: int = 0,
        execution_id: str = "",
    ) -> None:
        """Add a line; an execution that is known already adds none. `order`: our client id and leg."""
        row = (self.connection, at.timestamp(), kind, *order, order_id, perm_id, execution_id, _body(body))
        self._database.execute(INSERT, row)
        self.is_dirty = True

    def commit(self) -> None:
        if self.is_dirty:
            self._database.commit()
            self.is_dirty = False

    @property
    def knows_since(self) -> datetime | None:
        """Return since when it has all orders of ours in this account; None while that was never read.

        The first reading brings what IB itself still tells, which are the orders of that day in New York.
        """
        read = _body({"state": "connected"})
        (at,) = self._database.execute(FIRST_READ, (read, self.connection)).fetchone()
        if at is None:
            return None
        day = datetime.fromtimestamp(at, NEW_YORK).date()
        return datetime.combine(day, time(), NEW_YORK).astimezone(UTC)

    @property
    def revision(self) -> int:
        (value,) = self._database.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
        return int(value)

    def highest_order_id(self) -> int:
        (value,) = self._database.execute(
            "SELECT coalesce(max(order_id), 0) FROM entries WHERE kind = 'place'"
        ).fetchone()
        return int(value)

    def order_id_of(self, client_id: str, leg: str) -> int:
        """Return the order id under which a leg was sent last."""
        (value,) = self._database.execute(
            "SELECT max(order_id) FROM entries WHERE client_id = ? AND leg = ? AND kind = 'place'",
            (client_id, leg),
        ).fetchone()
        return int(value or 0)

    def of_order(self, client_id: str) -> list[Entry]:
        """Return all of one order of ours, oldest first."""
        return self._read(f"SELECT {COLUMNS} FROM entries WHERE client_id = ? ORDER BY seq", client_id)

    def order_of(self, perm_id: int) -> tuple[str, str]:
        """Return whose order IB's number is, client id and leg; empty for none of ours."""
        row = self._database.execute(
            "SELECT client_id, leg FROM entries WHERE perm_id = ? AND client_id <> '' LIMIT 1", (perm_id,)
        ).fetchone()
        return (row[0], row[1]) if row else ("", "")

    def last_commission(self, execution_id: str) -> Entry | None:
        entries = self._read(
            f"SELECT {COLUMNS} FROM entries WHERE execution_id = ? AND kind = 'commissionReport' "
            "ORDER BY seq DESC LIMIT 1",
            execution_id,
        )
        return entries[0] if entries else None

    def executions_told_since(self, at: datetime) -> list[Entry]:
        """Return executions and commissions of which anything was told since then, oldest first."""
        return self._read(TOLD_SINCE, at.timestamp())

    def open_legs(self) -> list[OpenLeg]:
        """Return the legs of ours that were sent, or listed by the gateway, and not found done since.

        Of this connection's account: what another one has is not listed in it.
        """
        rows = self._database.execute(OPEN_LEGS, (self.connection,))
        return [
            OpenLeg(client_id, leg, connection, datetime.fromtimestamp(seen_at, UTC))
            for client_id, leg, connection, seen_at in rows.fetchall()
        ]

    def note_open(self, client_id: str, leg: str, at: datetime) -> None:
        """Note that a leg was sent, or is among the open orders."""
        self._database.execute(
            "INSERT INTO open_legs VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at",
            (client_id, leg, self.connection, at.timestamp()),
        )
        self.is_dirty = True

    def note_done(self, client_id: str, leg: str) -> None:
        self._database.execute("DELETE FROM open_legs WHERE client_id = ? AND leg = ?", (client_id, leg))
        self.is_dirty = True

    def _read(self, statement: str, *values: Any) -> list[Entry]:
        return list(_entries(self._database.execute(statement, values)))


def _body(body: Mapping[str, Any]) -> str:
    return json.dumps(body, default=str, separators=(",", ":"))


def _entries(rows: Iterable[tuple[Any, ...]]) -> Iterable[Entry]:
    for seq, connection, at, kind, client_id, leg, order_id, perm_id, execution_id, body in rows:
        yield Entry(
            seq,
            connection,
            datetime.fromtimestamp(at, UTC),
            Kind(kind),
            client_id,
            leg,
            order_id,
            perm_id,
            execution_id,
            json.loads(body),
        )
