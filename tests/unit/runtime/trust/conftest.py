"""A tiny signed release, and the means to tamper with every part of it."""

from __future__ import annotations

import json
import zlib

import pytest

from mobileops.bundle import open_bundle
from mobileops.errors import TrustRefused
from mobileops.runtime.trust import Trail, TrustPolicy, verify
from mobileops.runtime.trust.statement import PAYLOAD_TYPE
from mobileops.toolchain.pack import pack
from mobileops.toolchain.sign import LocalInstance, LocalSigner, sign_bundle, statement
from tests.fakes.key_signature import make_key, public_pem, sign_with_key

MANIFEST = {
    "name": "tiny-plugin",
    "version": "1.2.3",
    "description": "The smallest plugin that can be signed",
    "author": "Ada <ada@example.org>",
    "license": "MIT",
    "type": "service",
    "entry_point": "main.py",
    "permissions": ["network.http", "filesystem.read:/data"],
}


class Release:
    """An archive, its signature, and the instance that made it."""

    def __init__(self, folder):
        self.folder = folder
        self.instance = LocalInstance.open_or_create(folder / "instance")
        source = folder / "source"
        source.mkdir()
        (source / "plugin.json").write_text(json.dumps(MANIFEST))
        (source / "main.py").write_text("x = 1\n")
        self.archive = pack(source, folder / "dist", stored=True).path
        self.signature = sign_bundle(self.archive, signer=LocalSigner(self.instance, "dev@localhost")).path

    @property
    def trusted_root(self):
        return self.instance.directory / "trusted_root.json"

    def policy(self, **document):
        """Return the default policy, or the one of a trust.json with these keys."""
        path = self.folder / "trust.json"
        if document:
            path.write_text(json.dumps({"version": 1, "roots": {"local": LOCAL}, **document}))
        return TrustPolicy.load(path, local_root=self.trusted_root)

    def rule(self, **changes):
        """Return a publisher rule that fits this release, but for the changes."""
        fitting = {"plugins": ["tiny-*"], "root": "local", "issuer": self.instance.issuer, "identity": "dev@localhost"}
        return fitting | changes

    def verify(self, *, policy=None, pins=None, signature=None, trail=None):
        policy = policy or self.policy()
        return verify(self.archive, policy=policy, pins=pins or {}, signature=signature, trail=trail or Trail())

    def edit(self, change):
        """Apply a change to the JSON of the signature."""
        document = json.loads(self.signature.read_bytes())
        change(document)
        self.signature.write_text(json.dumps(document))

    def state(self, change=lambda said: None, *, instance=None, identity="dev@localhost"):
        """Sign what a careless or hostile signer could say about the archive: the true statement, changed."""
        with open_bundle(self.archive) as opened:
            said = json.loads(statement.build(opened))
        change(said)
        self.sign(json.dumps(said).encode(), instance=instance, identity=identity)

    def state_with_key(self, key, change=lambda said: None, *, payload_type=PAYLOAD_TYPE):
        """Sign the true statement, changed, with a key."""
        with open_bundle(self.archive) as opened:
            said = json.loads(statement.build(opened))
        change(said)
        self.signature.write_bytes(sign_with_key(json.dumps(said).encode(), key, payload_type=payload_type))

    def key_file(self, key, name="fleet.pub"):
        """Write the public half of a key beside the policy and return its name."""
        (self.folder / name).write_bytes(public_pem(key))
        return name

    def sign(self, payload, *, instance=None, identity="dev@localhost"):
        self.signature.write_bytes((instance or self.instance).sign_statement(payload, identity=identity))

    def change_member(self):
        """Change a byte of main.py and both records of its checksum: the archive stays well-formed."""
        data = self.archive.read_bytes()
        old, new = b"x = 1\n", b"x = 2\n"
        checksums = [zlib.crc32(text).to_bytes(4, "little") for text in (old, new)]
        assert (data.count(old), data.count(checksums[0])) == (1, 2)
        self.archive.write_bytes(data.replace(old, new).replace(*checksums))

    def refusal(self, **keywords):
        """Return code and outcome of the refusal, which has to come."""
        with pytest.raises(TrustRefused) as caught:
            self.verify(**keywords)
        return caught.value.code, caught.value.outcome


LOCAL = {"local_instance": True, "assurance": "local"}


@pytest.fixture
def release(tmp_path):
    folder = tmp_path / "release"
    folder.mkdir()
    return Release(folder)


@pytest.fixture
def key():
    return make_key()


@pytest.fixture
def fleet(release, key):
    """The release, signed with a key that a rule for its name trusts."""
    release.state_with_key(key)
    release.policy(publishers=[{"plugins": ["tiny-*"], "key": release.key_file(key)}])
    return release


@pytest.fixture
def foreign(tmp_path):
    """Another party's instance."""
    return LocalInstance.open_or_create(tmp_path / "foreign")
