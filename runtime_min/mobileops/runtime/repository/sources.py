"""All repositories of this host together: which one has a plugin, in which versions, and the files of one of them.

A name comes from one repository. If one owns the name (see `configured`), only that is asked. Otherwise all are, but
for those that are used for their own names alone, and exactly one may have it: two would leave it to chance, or to
whoever publishes a higher version, whose code runs here. A repository that cannot be asked counts as one that might
have the name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.bundle.filename import bundle_file_name, signature_path
from mobileops.errors import NotFoundError, RefusedError
from mobileops.manifest import Version
from mobileops.runtime.repository import configured
from mobileops.runtime.repository.client import ROOT, Client
from mobileops.runtime.repository.document import candidates

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping
    from pathlib import Path

    from mobileops.runtime.home import Home
    from mobileops.runtime.repository.configured import Remote
    from mobileops.runtime.repository.document import Candidate, Document, Release


class Sources:
    """The repositories of one home; each is refreshed once, when it is first asked.

    Args:
        home: whose.
        remotes: which, in order; None for the configured ones.
        now: the time, for tests.
    """

    def __init__(
        self, home: Home, remotes: tuple[Remote, ...] | None = None, *, now: datetime.datetime | None = None
    ) -> None:
        remotes = configured.load(home) if remotes is None else remotes
        self.clients: Mapping[str, Client] = {
            remote.name: Client(remote, home.repositories / remote.name, now=now) for remote in remotes
        }
        self._found: dict[str, tuple[Client, Document]] = {}

    def versions(self, name: str) -> tuple[Candidate, ...]:
        """Return every version of a plugin, newest first; () if no repository has it.

        Raises:
            RefusedError: ``MOP6111``, two repositories have it; or a repository cannot prove what it says.
            HostFault: a repository that may have it cannot be asked.
        """
        found = self.find(name)
        if found is None:
            return ()
        client, document = found
        return candidates(document, client.remote.name, where=client.remote.url)

    def fetch(self, name: str, version: Version, into: Path, *, platform: str | None = None) -> Path:
        """Fetch a bundle and the signature beside it, under the name it was signed with; return the bundle.

        Its digest is the one that the repository's metadata proves. Whether its signer is trusted is not decided here.

        Args:
            name: of the plugin.
            version: of it.
            into: folder that the files are made in.
            platform: tag of the native code that is wanted.

        Raises:
            NotFoundError: ``MOP6109``, no repository has the plugin; ``MOP6110``, it has no such version.
            RefusedError: ``MOP6105``, ``MOP6107``, a file is not what the metadata says; nothing is left behind.
            HostFault: a file cannot be fetched or written.
        """
        client, document = self.required(name)
        release = _release(document, version, platform)
        bundle = into / _file_name(document, release)
        files = {bundle: release.archive, signature_path(bundle): release.signature}
        try:
            for path, blob in files.items():
                with path.open("wb") as stream:
                    client.save(blob, stream)
        except BaseException:  # KeyboardInterrupt too: no half bundle stays
            for path in files:
                path.unlink(missing_ok=True)
            raise
        return bundle

    def required(self, name: str) -> tuple[Client, Document]:
        """Return `find`, or raise NotFoundError (``MOP6109``)."""
        found = self.find(name)
        if found is None:
            known = ", ".join(self.clients) or "none is configured"
            raise NotFoundError(
                f"no repository has a plugin {name!r}",
                code="MOP6109",
                why=f"repositories of this host: {known}",
                fix="mobileops search TEXT looks for plugins, mobileops repo add NAME URL adds a repository",
            )
        return found

    def find(self, name: str) -> tuple[Client, Document] | None:
        """Return the one repository that has a plugin and what it says about it, None if none has it.

        Raises:
            RefusedError, HostFault: as `versions`.
        """
        if name not in self._found:
            having = [
                (client, document) for client in self._asked(name) if (document := client.document(name)) is not None
            ]
            if len(having) > 1:
                raise _ambiguous(name, [client.remote.name for client, _ in having])
            if not having:
                return None
            self._found[name] = having[0]
        return self._found[name]

    def stale(self) -> Mapping[str, datetime.datetime]:
        """Return when the state expired of each repository that was asked and is used although it has expired."""
        return {name: client.expired_at for name, client in self.clients.items() if client.expired_at is not None}

    def _asked(self, name: str) -> list[Client]:
        owners = [client for client in self.clients.values() if client.remote.owns(name)]
        if len(owners) > 1:
            raise _ambiguous(name, [client.remote.name for client in owners])
        return owners or [client for client in self.clients.values() if not client.remote.only]


def trust_local(home: Home, remote: Remote) -> None:
    """Hold on to the root of a repository in this home's own folder, if that has not been done: nothing to ask."""
    client = Client(remote, home.repositories / remote.name)
    if not (client.folder / ROOT).exists():
        client.trust_first()


def _release(document: Document, version: Version, platform: str | None) -> Release:
    same = [release for release in document.releases if Version.parse(release.version) == version]
    for release in same:
        if release.platform in {None, platform}:
            return release
    known = ", ".join(_label(release) for release in document.releases)
    raise NotFoundError(
        f"{document.name!r} has no version {version}" + (f" for {platform}" if same else ""),
        code="MOP6110",
        why=f"there are {known}",
        fix=f"mobileops info {document.name} shows them",
    )


def _label(release: Release) -> str:
    return release.version + (f" ({release.platform})" if release.platform else "")


def _file_name(document: Document, release: Release) -> str:
    """Return the file name, which is never taken from the document: it could name a place outside the folder."""
    return bundle_file_name(document.name, release.version, platform=release.platform)


def _ambiguous(name: str, repositories: list[str]) -> RefusedError:
    return RefusedError(
        f"{name!r} is in more than one repository: {', '.join(repositories)}",
        code="MOP6111",
        why="whoever publishes a name in a second repository could have his code run here (dependency confusion)",
        fix=f"say whose it is: mobileops repo claim {repositories[0]} {name}",
    )
