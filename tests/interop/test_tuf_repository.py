"""Mode ``private`` from a TUF repository: its root is pinned, what it serves is what is signed with."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from mobileops.errors import HostFault
from mobileops.toolchain.sign import LocalInstance
from mobileops.toolchain.sign.keyless import Service, SigstoreSigner, token_from
from mobileops.toolchain.sign.retry import Backoff
from tests.fakes.served_instance import serving


def write_repository(folder, targets):
    """Write a TUF repository, made and signed with python-tuf, and return its root.json."""
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    signers = {role: CryptoSigner.generate_ed25519() for role in ("root", "targets", "snapshot", "timestamp")}
    root = Root(expires=expires, consistent_snapshot=False)
    for role, signer in signers.items():
        root.add_key(signer.public_key, role)
    listed = Targets(expires=expires)
    (folder / "targets").mkdir(parents=True)
    for name, content in targets.items():
        listed.targets[name] = TargetFile.from_data(name, content)
        (folder / "targets" / name).write_bytes(content)
    roles = {
        "root": root,
        "targets": listed,
        "snapshot": Snapshot(expires=expires, meta={"targets.json": MetaFile(1)}),
        "timestamp": Timestamp(expires=expires, snapshot_meta=MetaFile(1)),
    }
    for role, signed in roles.items():
        metadata = Metadata(signed)
        metadata.sign(signers[role])
        (folder / f"{role}.json").write_bytes(metadata.to_bytes())
    return folder / "root.json"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A served instance and the repository that describes it: its server, its URL and its root."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    instance = LocalInstance.open_or_create(tmp_path / "instance")
    with serving(instance) as server:
        config = json.loads(server.trust_config_json())
        served = {"trusted_root.json": config["trustedRoot"], "signing_config.v0.2.json": config["signingConfig"]}
        folder = tmp_path / "repository"
        root = write_repository(folder, {name: json.dumps(value).encode() for name, value in served.items()})
        handler = functools.partial(Quiet, directory=folder)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as files:
            thread = threading.Thread(target=files.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            yield server, f"http://127.0.0.1:{files.server_port}", root
            files.shutdown()
            thread.join()


def test_the_instance_of_a_repository_signs(repository, publisher):
    server, url, root = repository
    signer = SigstoreSigner(Service.from_tuf(url, root), token_from(server.mint.token))
    assert publisher.publish_as(signer).with_name("echo-1.0.0.zip.sigstore.json").exists()


def test_the_root_of_another_repository_is_refused(repository, tmp_path):
    _, url, _ = repository
    other = write_repository(tmp_path / "other", {})
    with pytest.raises(HostFault) as caught:
        Service.from_tuf(url, other, backoff=Backoff(attempts=1))
    assert caught.value.code == "MOP3222"


def test_a_changed_target_is_refused(repository):
    _, url, root = repository
    target = root.parent / "targets" / "trusted_root.json"
    target.write_bytes(target.read_bytes().replace(b"{", b"{ ", 1))
    with pytest.raises(HostFault) as caught:
        Service.from_tuf(url, root, backoff=Backoff(attempts=1))
    assert caught.value.code == "MOP3222"
