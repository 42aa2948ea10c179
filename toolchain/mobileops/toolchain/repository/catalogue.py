"""Read and write the documents of plugins, and keep the search log beside them in step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.errors import NotFoundError
from mobileops.runtime.repository import document as documents
from mobileops.runtime.repository import layout, search_log
from mobileops.runtime.repository.search_log import Log, Record, Segment

if TYPE_CHECKING:
    from mobileops.runtime.repository.document import Document
    from mobileops.toolchain.repository.change import Change


def load(change: Change, name: str) -> Document | None:
    """Return the document of a plugin, None if there is none."""
    path = layout.document_path(name)
    data = change.read(path, limit=layout.MAX_DOCUMENT_BYTES)
    return None if data is None else documents.decode(data, where=str(change.state.folder / layout.TARGETS / path))


def required(change: Change, name: str) -> Document:
    """Return the document of a plugin.

    Raises:
        NotFoundError: ``MOP6109``, there is none.
    """
    document = load(change, name)
    if document is None:
        raise NotFoundError(
            f"the repository has no plugin {name!r}",
            code="MOP6109",
            where=str(change.state.folder),
            fix="mobileops list --available shows what it has",
        )
    return document


def store(change: Change, document: Document) -> None:
    """Put a document in its place, and its record at the end of the search log."""
    change.put(layout.document_path(document.name), documents.encode(document))
    append(change, [record(document)])


def record(document: Document) -> Record:
    """Return what is searched of a plugin."""
    newest = document.newest
    signer = newest.signer
    publisher = signer.get("identity") or f"key {signer.get('key_hint')}"
    return Record(
        document.name,
        newest.version,
        newest.type,
        document.description,
        document.author,
        document.keywords,
        newest.permissions,
        str(publisher),
        document.deprecated is not None,
    )


def append(change: Change, records: list[Record]) -> None:
    """Add records to the search log: one new segment, that takes in those before it while they are of its size."""
    where = str(change.state.folder)
    log = search_log.decode(change.read(layout.SEARCH, limit=layout.MAX_SEARCH_BYTES), where=where)
    last = log.last + len(records)
    taken = search_log.tail(log.segments, len(records))
    kept, merged = log.segments[: len(log.segments) - taken], log.segments[len(log.segments) - taken :]
    latest: dict[str, Record] = {}
    for segment in merged:
        for one in search_log.inflate(change.bytes_of(segment.blob), segment, where=where):
            latest.pop(one.name, None)
            latest[one.name] = one
        change.supersede(segment.blob)
    for one in records:
        latest.pop(one.name, None)
        latest[one.name] = one
    data, inflated = search_log.deflate(latest.values())
    first = merged[0].first if merged else log.last + 1
    segment = Segment(change.add(data), inflated, len(latest), first, last)
    change.put(layout.SEARCH, search_log.encode(Log(segments=(*kept, segment))))
