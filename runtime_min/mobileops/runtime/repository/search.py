"""The search log of one repository as an SQLite index on this host, brought up to date before it is asked."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from mobileops.errors import HostFault
from mobileops.runtime import durable
from mobileops.runtime.repository import search_log
from mobileops.runtime.repository.search_log import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mobileops.runtime.repository.client import Client
    from mobileops.runtime.repository.query import Query
    from mobileops.runtime.repository.search_log import Segment

FILE: Final = "search.sqlite"
VERSION: Final = 1
"""Of the tables below; an index of another version is made again."""

_TABLES: Final = """
    CREATE TABLE plugin (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, version TEXT NOT NULL, type TEXT NOT NULL,
        description TEXT NOT NULL, author TEXT NOT NULL, keywords TEXT NOT NULL, permissions TEXT NOT NULL,
        publisher TEXT NOT NULL, deprecated INTEGER NOT NULL);
    CREATE TABLE permission (word TEXT NOT NULL, plugin INTEGER NOT NULL, PRIMARY KEY (word, plugin)) WITHOUT ROWID;
    CREATE TABLE state (last INTEGER NOT NULL, segment TEXT NOT NULL);
    INSERT INTO state VALUES (0, '');
    CREATE VIRTUAL TABLE text USING fts5(name, keywords, description, author, tokenize='unicode61');
    INSERT INTO text (text, rank) VALUES ('rank', 'bm25(10.0, 4.0, 2.0, 1.0)');
"""
_COLUMNS: Final = (
    "plugin.name, version, type, plugin.description, plugin.author, plugin.keywords, permissions, publisher, deprecated"
)


class Index:
    """The searchable copy of one repository's log."""

    def __init__(self, client: Client) -> None:
        """Belong to a client's folder; nothing is read yet."""
        self._client = client
        self._path = client.folder / FILE

    def update(self) -> None:
        """Take over what was published since the last time.

        Raises:
            RefusedError, HostFault: as `Client.refresh`; ``MOP6108``, the log is malformed.
            HostFault: ``MOP6118``, the index cannot be kept.
        """
        where = self._client.remote.url
        log = search_log.decode(self._client.search_manifest(), where=where)
        with durable.locked(self._path.with_suffix(".lock")), self._open() as index:
            applied, known = index.execute("SELECT last, segment FROM state").fetchone()
            newest = log.segments[-1].blob.sha256 if log.segments else ""
            if (applied, known) == (log.last, newest):
                return
            if applied >= log.last:  # another log, of a repository that was made anew under the same root
                _clear(index)
                applied = 0
            for segment in log.segments:
                if segment.last > applied:
                    _apply(index, self._records(segment))
            index.execute("UPDATE state SET last = ?, segment = ?", (log.last, newest))

    def search(self, query: Query, *, limit: int) -> list[Record]:
        """Return the plugins that fit, best first; by name when there are no words.

        Raises:
            HostFault: ``MOP6118``, the index cannot be read.
        """
        conditions, values = _conditions(query)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        tables, order = "plugin", "plugin.name"
        if query.words:
            match, order = "SELECT rowid, rank FROM text WHERE text MATCH ?", "found.rank, plugin.name"
            values.insert(0, " AND ".join(f'"{word}"*' for word in query.words))
            if not conditions:  # nothing is left out afterwards, so the best of them are all that is read
                match += " ORDER BY rank LIMIT ?"
                values.append(limit)
            tables = f"({match}) AS found JOIN plugin ON plugin.id = found.rowid"
        statement = f"SELECT {_COLUMNS} FROM {tables} {where} ORDER BY {order} LIMIT ?"  # noqa: S608 - fixed words
        with self._open() as index:
            return [_record(row) for row in index.execute(statement, (*values, limit))]

    def names(self) -> list[str]:
        """Return the names of all plugins, sorted."""
        with self._open() as index:
            return [name for (name,) in index.execute("SELECT name FROM plugin ORDER BY name")]

    def _records(self, segment: Segment) -> list[Record]:
        stream = io.BytesIO()
        self._client.save(segment.blob, stream)
        return search_log.inflate(stream.getvalue(), segment, where=self._client.remote.url)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the index in one transaction; one that is damaged or of another version is made anew."""
        try:
            if not self._is_usable():
                self._path.unlink(missing_ok=True)
            with closing(sqlite3.connect(self._path)) as index, index:
                if _version(index) != VERSION:
                    index.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
                yield index
        except (sqlite3.Error, OSError) as error:
            raise HostFault(
                f"the search index cannot be kept: {error}",
                code="MOP6118",
                where=str(self._path),
                fix="check free space and permissions; the file may be removed, it is made again",
            ) from error

    def _is_usable(self) -> bool:
        try:
            with closing(sqlite3.connect(self._path)) as index:
                return _version(index) in {0, VERSION}
        except sqlite3.DatabaseError:
            return False


def _version(index: sqlite3.Connection) -> int:
    return int(index.execute("PRAGMA user_version").fetchone()[0])


def _clear(index: sqlite3.Connection) -> None:
    for table in ("plugin", "permission", "text"):
        index.execute(f"DELETE FROM {table}")  # noqa: S608 - fixed words


def _apply(index: sqlite3.Connection, records: Iterable[Record]) -> None:
    """Replace what is known of the plugins in some records."""
    ids = dict(index.execute("SELECT name, id FROM plugin"))
    fresh = max(ids.values(), default=0)
    for record in records:
        number = ids.get(record.name)
        if number is None:
            fresh += 1
            number = ids[record.name] = fresh
        else:
            for table, key in (("plugin", "id"), ("permission", "plugin"), ("text", "rowid")):
                index.execute(f"DELETE FROM {table} WHERE {key} = ?", (number,))  # noqa: S608 - fixed words
        _insert(index, number, record)


def _insert(index: sqlite3.Connection, number: int, record: Record) -> None:
    keywords, permissions = " ".join(record.keywords), "\n".join(record.permissions)
    values = (record.name, record.version, record.type, record.description, record.author)
    index.execute(
        "INSERT INTO plugin VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (number, *values, keywords, permissions, record.publisher, record.deprecated),
    )
    text = (record.name, keywords, record.description, record.author)
    index.execute(
        "INSERT INTO text (rowid, name, keywords, description, author) VALUES (?, ?, ?, ?, ?)", (number, *text)
    )
    words = {word for permission in record.permissions for word in _above(permission)}
    index.executemany("INSERT INTO permission VALUES (?, ?)", [(word, number) for word in words])


def _above(permission: str) -> Iterator[str]:
    """Yield a permission and what it is below: ``network.http:a``, ``network.http``, ``network``."""
    yield permission
    family, colon, _ = permission.partition(":")
    if colon:
        yield family
    while "." in family:
        family = family.rpartition(".")[0]
        yield family


def _conditions(query: Query) -> tuple[list[str], list[object]]:
    """Return the conditions of the filters with their values."""
    conditions, values = [], []
    if query.types:
        conditions.append(f"type IN ({', '.join('?' * len(query.types))})")
        values += list(query.types)
    if query.permissions:
        marks = ", ".join("?" * len(query.permissions))
        conditions.append(f"plugin.id IN (SELECT plugin FROM permission WHERE word IN ({marks}))")  # noqa: S608 - marks
        values += list(query.permissions)
    if query.publishers:
        either = "instr(lower(publisher || char(10) || plugin.author), ?) > 0"
        conditions.append(f"({' OR '.join([either] * len(query.publishers))})")
        values += [publisher.lower() for publisher in query.publishers]
    return conditions, list(values)


def _record(row: tuple[str, ...]) -> Record:
    name, version, kind, description, author, keywords, permissions, publisher, deprecated = row
    return Record(
        name,
        version,
        kind,
        description,
        author,
        tuple(keywords.split()),
        tuple(permissions.split("\n")) if permissions else (),
        publisher,
        bool(deprecated),
    )
