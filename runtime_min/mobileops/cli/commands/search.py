"""``mobileops search``: look for plugins in the repositories of this host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mobileops.cli.commands._repositories import look_into, open_sources
from mobileops.errors import UsageError
from mobileops.runtime.repository.query import Query

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.repository.search_log import Record

LIMIT: Final = 20


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("text", nargs="+", help="words, and filters: type:service permission:network publisher:acme")
    parser.add_argument("--limit", type=int, default=LIMIT, help="at most so many (default: %(default)s)")
    parser.json_option()
    parser.example('mobileops search "data processing" type:processing')


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print what fits, best first; that nothing does is an answer too."""
    if arguments.limit < 1:
        raise UsageError(f"--limit {arguments.limit} would show nothing", code="MOP7003", fix="give 1 or more")
    query = Query.parse(arguments.text)
    sources = open_sources(console.home(), console)
    found = [entry(record, name) for name, record in look_into(sources, query, console, limit=arguments.limit)]
    show(found[: arguments.limit], console, as_json=arguments.json)
    if not found:
        known = ", ".join(sources.clients) or "none: mobileops repo add NAME URL adds one"
        console.note(f"nothing found in the repositories of this host ({known})")
    return 0


def entry(record: Record, repository: str) -> dict[str, Any]:
    """Return a found plugin as schema/cli/search.v1.schema.json describes it."""
    return {
        "name": record.name,
        "version": record.version,
        "type": record.type,
        "description": record.description,
        "author": record.author,
        "keywords": list(record.keywords),
        "permissions": list(record.permissions),
        "publisher": record.publisher,
        "deprecated": record.deprecated,
        "repository": repository,
    }


def show(found: list[dict[str, Any]], console: Console, *, as_json: bool) -> None:
    """Print found plugins."""
    if as_json:
        console.json(found)
    elif found:
        rows = [
            (
                one["name"],
                one["version"],
                one["type"],
                one["publisher"],
                one["repository"],
                one["description"] + (" (deprecated)" if one["deprecated"] else ""),
            )
            for one in found
        ]
        console.table(("NAME", "VERSION", "TYPE", "PUBLISHER", "REPOSITORY", "DESCRIPTION"), rows)
