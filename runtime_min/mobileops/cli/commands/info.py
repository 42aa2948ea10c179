"""``mobileops info``: everything that a repository says about a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mobileops.cli.commands._repositories import open_sources, warn_stale
from mobileops.cli.layout import printable
from mobileops.cli.suggestions import did_you_mean
from mobileops.errors import MobileOpsError, NotFoundError

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.repository.document import Document, Release
    from mobileops.runtime.repository.sources import Sources


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name", help="of the plugin")
    parser.json_option()
    parser.example("mobileops info my-plugin --json")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print versions, permissions, signers, compatibility, size and evidence."""
    sources = open_sources(console.home(), console)
    try:
        client, document = sources.required(arguments.name)
    except NotFoundError as error:
        error.fix = _suggestion(arguments.name, sources) or error.fix
        raise
    warn_stale(sources, console)
    if arguments.json:
        console.json({"repository": client.remote.name, "url": client.remote.url, **msgspec.to_builtins(document)})
    else:
        _show(document, client.remote.name, console)
    return 0


def _suggestion(name: str, sources: Sources) -> str | None:
    """Return a name that is nearly the same, from the search indexes as they are."""
    from mobileops.runtime.repository.search import Index  # noqa: PLC0415  only a mistake needs it

    known: list[str] = []
    for client in sources.clients.values():
        try:
            index = Index(client)
            index.update()
            known += index.names()
        except MobileOpsError:  # a repository that cannot be searched has no suggestions
            continue
    return did_you_mean(name, known)


def _show(document: Document, repository: str, console: Console) -> None:
    newest = document.newest
    facts: dict[str, Any] = {
        "name": document.name,
        "version": newest.version,
        "type": newest.type,
        "description": document.description,
        "author": document.author,
        "homepage": document.homepage,
        "keywords": ", ".join(document.keywords),
        "licence": newest.license,
        "permissions": ", ".join(newest.permissions) or "none",
        "needs": ", ".join(f"{name} {wanted}" for name, wanted in newest.plugin_dependencies.items()),
        "runs on": _compatibility(newest),
        "owner": ", ".join(f"{key} {value}" for key, value in document.owner.items()),
        "deprecated": _deprecated(document),
        "repository": repository,
    }
    console.fields({key: value for key, value in facts.items() if value})
    rows = [
        (
            release.version + (f" ({release.platform})" if release.platform else ""),
            release.published_at[:10],
            f"{release.archive.size_bytes}",
            _signer(release),
            ", ".join(one.kind for one in release.evidence) or "-",
            f"yanked: {release.yanked}" if release.yanked else "",
        )
        for release in document.releases
    ]
    console.table(("VERSION", "PUBLISHED", "BYTES", "SIGNER", "EVIDENCE", "STATE"), rows)
    for handover in document.handovers:
        console.print(printable(f"signer changed at {handover.at}: {handover.reason}"))


def _signer(release: Release) -> str:
    who = release.signer.get("identity") or f"key {release.signer.get('key_hint')}"
    return f"{who} ({release.signer.get('assurance')})"


def _compatibility(release: Release) -> str:
    parts = [f"Python {release.python_version}"] if release.python_version else []
    parts += [f"platform {release.platform_version}"] if release.platform_version else []
    return ", ".join(parts)


def _deprecated(document: Document) -> str | None:
    said = document.deprecated
    if said is None:
        return None
    parts = [f"use {said.successor}"] if said.successor else []
    parts += [said.reason] if said.reason else []
    return "; ".join(parts) or "yes"
