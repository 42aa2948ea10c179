"""A TUF repository on loopback, whose owner may publish whatever they like."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
from datetime import UTC, datetime, timedelta

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
PAST = SOON - timedelta(days=30)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Repository:
    """One key for all roles; consistent snapshots off, as Sigstore's targets are found by plain name then."""

    def __init__(self, folder, url):
        self.folder, self.url = folder, url
        (folder / "targets").mkdir(parents=True)
        self.signer = CryptoSigner.generate_ed25519()
        root = Root(version=1, expires=SOON, consistent_snapshot=False)
        for role in ("root", "timestamp", "snapshot", "targets"):
            root.add_key(self.signer.public_key, role)
        self.root = self.signed(root)

    def signed(self, role, signer=None):
        metadata = Metadata(role)
        metadata.sign(signer or self.signer)
        return metadata.to_bytes()

    def publish(self, data, *, version=1, expires=SOON, signer=None, name="trusted_root.json", told=None):
        (self.folder / "targets" / name).write_bytes(data)
        targets = Targets(version=version, expires=expires)
        targets.targets[name] = TargetFile.from_data(name, data if told is None else told, ["sha256"])
        files = {"targets.json": MetaFile(version)}
        (self.folder / "targets.json").write_bytes(self.signed(targets, signer))
        (self.folder / "snapshot.json").write_bytes(self.signed(Snapshot(version, expires=expires, meta=files), signer))
        stamp = Timestamp(version=version, expires=expires, snapshot_meta=MetaFile(version))
        (self.folder / "timestamp.json").write_bytes(self.signed(stamp, signer))


@contextlib.contextmanager
def serving(folder):
    """Yield an empty repository that is served from a new folder."""
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Repository(folder, f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()
