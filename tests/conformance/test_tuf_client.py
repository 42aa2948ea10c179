"""The client of the protocol on cases of tuf-conformance's families, made here, and python-tuf's own client beside it.

The suite itself is on GitHub alone: ``pytest tuf_conformance --entrypoint tests/conformance/tuf_client`` in a checkout
of theupdateframework/tuf-conformance runs it.
"""

from __future__ import annotations

import datetime
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile
from tuf.ngclient.updater import Updater

from mobileops.toolchain.repository.renewal import rotate
from tests.conformance import tuf_protocol
from tests.fakes.repository import Shop, document, served

CLIENT = Path(__file__).with_name("tuf_client")
TARGET = "index/echo/versions.json"


@pytest.fixture
def shop(tmp_path):
    one = Shop(tmp_path, now=datetime.datetime.now(datetime.UTC).replace(microsecond=0))
    one.say(document("echo"))
    return one


class Ours:
    """A device by the protocol."""

    def __init__(self, folder, root):
        self.metadata, self.targets = folder / "metadata", folder / "targets-of-the-suite"
        for place in (self.metadata, self.targets):
            place.mkdir(parents=True)
        assert tuf_protocol.main(["--metadata-dir", str(self.metadata), "init", str(root)]) == 0

    def download(self, url, target=TARGET):
        """Return whether a target was had."""
        words = ["--metadata-dir", str(self.metadata), "--metadata-url", f"{url}/metadata/", "--target-name", target]
        words += ["--target-dir", str(self.targets), "--target-base-url", f"{url}/targets/", "download"]
        return tuf_protocol.main(words) == 0


class Peer:
    """python-tuf's client, as the suite's own wrapper uses it."""

    def __init__(self, folder, root):
        self.folder, self.root = folder, root.read_bytes()
        (folder / "targets").mkdir(parents=True)

    def download(self, url, target=TARGET):
        """Return whether a target was had."""
        try:
            updater = Updater(
                str(self.folder), f"{url}/metadata", str(self.folder / "targets"), f"{url}/targets", bootstrap=self.root
            )
            found = updater.get_targetinfo(target)
            updater.download_target(found)
        except Exception:  # noqa: BLE001 - whatever it raises is a refusal
            return False
        return True


@pytest.fixture
def devices(shop, tmp_path):
    root = shop.folder / "metadata" / "1.root.json"
    return Ours(tmp_path / "ours", root), Peer(tmp_path / "peer", root)


def both(shop, devices, target=TARGET):
    """Return the one answer that both clients give."""
    with served(shop.folder) as url:
        ours, peer = (device.download(url, target) for device in devices)
    assert ours == peer
    return ours


def edit(shop, name, change, *, sign=True):
    """Change a metadata file, and sign it again with the key that may."""
    path = shop.folder / "metadata" / name
    role = Metadata.from_file(str(path))
    change(role.signed)
    if sign:
        ids = Metadata.from_file(str(path.with_name("1.root.json"))).signed.roles["timestamp"].keyids
        role.sign(shop.keys.signers(ids)[0])
    role.to_file(str(path))


def test_what_is_published_is_had_and_what_is_not_is_not(shop, devices):
    assert both(shop, devices)
    assert (devices[0].targets / "index%2Fecho%2Fversions.json").read_bytes().startswith(b'{"format":1')
    assert not both(shop, devices, "index/nobody/versions.json")


def test_basic_an_unsigned_timestamp_is_refused(shop, devices):
    edit(shop, "timestamp.json", lambda one: setattr(one, "version", 9), sign=False)
    assert not both(shop, devices)
    edit(shop, "timestamp.json", lambda _: None)  # the control
    assert both(shop, devices)


@pytest.mark.parametrize("name", ["timestamp.json", "2.snapshot.json", "2.targets.json"])
def test_expiration_of_each_role_is_noticed(shop, devices, name):
    edit(shop, name, lambda one: setattr(one, "expires", shop.now - datetime.timedelta(seconds=1)))
    if name == "2.snapshot.json":  # the timestamp has its digest
        data = (shop.folder / "metadata" / name).read_bytes()
        meta = MetaFile.from_data(2, data, ["sha256"])
        edit(shop, "timestamp.json", lambda one: setattr(one, "snapshot_meta", meta))
    assert not both(shop, devices)


def test_rollback_of_the_timestamp_is_refused(shop, devices):
    with shop.earlier():
        shop.say(document("echo", "2.0.0"))
        assert both(shop, devices)
    assert not both(shop, devices)


def test_rollback_of_a_version_in_the_snapshot_is_refused(shop, devices):
    assert both(shop, devices)
    (name,) = (path.name.removeprefix("2.") for path in shop.folder.glob("metadata/2.bin-*.json"))
    shop.say(document("other"))

    edit(shop, "3.snapshot.json", lambda one: one.meta[name].__setattr__("version", 1))
    data = (shop.folder / "metadata" / "3.snapshot.json").read_bytes()
    edit(shop, "timestamp.json", lambda one: setattr(one, "snapshot_meta", MetaFile.from_data(3, data, ["sha256"])))
    assert not both(shop, devices)


def test_keys_a_stranger_and_a_root_without_its_predecessor_are_refused(shop, devices):
    root = Metadata.from_file(str(shop.folder / "metadata" / "1.root.json"))
    stranger = CryptoSigner.generate_ed25519()
    root.signed.version = 2
    root.signed.add_key(stranger.public_key, "root")
    root.sign(stranger)
    root.to_file(str(shop.folder / "metadata" / "2.root.json"))
    assert not both(shop, devices)


@pytest.mark.parametrize("role", ["online", "root"])
def test_keys_that_are_rotated_are_followed(shop, devices, role):
    assert both(shop, devices)
    for _ in range(3):
        rotate(shop.folder, shop.keys, role=role, now=shop.now)
    assert both(shop, devices)


def test_files_that_were_changed_or_lost_are_refused(shop, devices):
    (path,) = shop.folder.glob("targets/index/echo/*.json")
    kept = path.read_bytes()
    path.write_bytes(kept + b" ")
    assert not both(shop, devices)
    path.unlink()
    assert not both(shop, devices)
    path.write_bytes(kept)  # the control
    assert both(shop, devices)


def test_the_program_answers_by_its_exit_code(shop, tmp_path):
    (tmp_path / "x" / "metadata").mkdir(parents=True)
    words = [sys.executable, str(CLIENT), "--metadata-dir", str(tmp_path / "x" / "metadata")]
    root = str(shop.folder / "metadata" / "1.root.json")
    assert subprocess.run([*words, "init", root], check=False).returncode == 0
    with served(shop.folder) as url:
        words += ["--metadata-url", f"{url}/metadata/"]
        assert subprocess.run([*words, "refresh"], check=False).returncode == 0
        shutil.rmtree(shop.folder / "metadata")
        refused = subprocess.run([*words, "refresh"], check=False, capture_output=True, text=True)
    assert (refused.returncode, "MOP6101" in refused.stderr) == (1, True)
