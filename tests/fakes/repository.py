"""A plugin repository in a folder with its publisher, and devices that read it, from disk or over loopback."""

from __future__ import annotations

import datetime
import functools
import http.server
import shutil
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mobileops.runtime.home import Home
from mobileops.runtime.repository.client import Client
from mobileops.runtime.repository.configured import Remote
from mobileops.runtime.repository.document import FORMAT, Blob, Document, Release, encode
from mobileops.runtime.repository.sources import Sources
from mobileops.toolchain.repository import catalogue, publishing
from mobileops.toolchain.repository.change import changing
from mobileops.toolchain.repository.creation import create
from mobileops.toolchain.repository.keys import Keyring
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


def document(name: str, version: str = "1.0.0", **values: Any) -> Document:
    """Return a document whose bundle is nowhere: enough for whoever only reads what is said."""
    nothing = Blob("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0)
    release = Release(
        version=version,
        archive=nothing,
        signature=nothing,
        published_at=NOW.isoformat(),
        type=values.pop("type", "service"),
        license="MIT",
        manifest_sha256=nothing.sha256,
        permissions=tuple(values.pop("permissions", ())),
        signer={"assurance": "local", "identity": values.pop("identity", "author@localhost")},
    )
    words = {"description": "A plugin for tests", "author": "Tests", "owner": {"assurance": "local"}, **values}
    return Document(format=FORMAT, name=name, releases=(release,), **words)


class Shop:
    """One repository with the account that writes it, and one device."""

    def __init__(self, root: Path, name: str = "shop", *, now: datetime.datetime = NOW) -> None:
        self.root, self.name, self.now = root, name, now
        self.home = Home(root / "home").prepare()
        self.keys = Keyring(self.home.repository_keys)
        self.folder = root / "repository"
        self.publisher = Publisher(self.home, root / "workshop")
        create(self.folder, self.keys, now=now)

    def publish(self, name: str = "echo", *, handover: str | None = None, **plugin: Any) -> publishing.Published:
        """Write, pack, sign, verify and publish a plugin."""
        return self.offer(self.publisher.publish(name, **plugin), handover=handover)

    def offer(self, bundle: Path, *, handover: str | None = None) -> publishing.Published:
        """Verify and publish a bundle."""
        signature = bundle.with_name(f"{bundle.name}.sigstore.json")
        with (
            self.publisher.decision()(bundle, signature) as verified,
            changing(self.folder, self.keys, now=self.now) as change,
        ):
            return publishing.publish(change, verified, handover=handover)

    def say(self, *documents: Document) -> None:
        """Put documents into the repository, without bundles."""
        with changing(self.folder, self.keys, now=self.now) as change:
            change.add(b"")
            for one in documents:
                change.put(f"index/{one.name}/versions.json", encode(one))
            catalogue.append(change, [catalogue.record(one) for one in documents])
            change.commit()

    def remote(self, url: str | None = None, **values: Any) -> Remote:
        """Return how the device names this repository."""
        return Remote(name=self.name, url=url or self.folder.as_uri(), **values)

    def client(self, url: str | None = None, *, now: datetime.datetime | None = None, **values: Any) -> Client:
        """Return the device's client; the root is confirmed at the first."""
        remote = self.remote(url, **values)
        one = Client(remote, self.home.repositories / self.name, now=now or self.now)
        if not (one.folder / "root.json").exists():
            one.trust((self.folder / "metadata" / "1.root.json").read_bytes())
        return one

    def sources(self, **values: Any) -> Sources:
        """Return the device's repositories: this one."""
        self.client()
        return Sources(self.home, (self.remote(**values),), now=self.now)

    @contextmanager
    def earlier(self) -> Iterator[None]:
        """Bring the folder back to the present state when the block ends, as somebody who can write it could."""
        copy = self.root / "copy"
        shutil.copytree(self.folder, copy)
        yield
        shutil.rmtree(self.folder)
        copy.rename(self.folder)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP on loopback, and give the URL."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with serving(handler) as url:
        yield url


@contextmanager
def serving(handler: Any) -> Iterator[str]:
    """Answer HTTP requests on loopback with a handler."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
