"""A local instance, and a stock Sigstore client that trusts it."""

from __future__ import annotations

import json

import pytest
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

from mobileops.toolchain.pack import pack
from mobileops.toolchain.sign import LocalInstance


@pytest.fixture
def instance(tmp_path):
    return LocalInstance.open_or_create(tmp_path / "instance")


@pytest.fixture
def archive(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    manifest = {
        "name": "tiny-plugin",
        "version": "1.2.3",
        "description": "The smallest plugin that can be signed",
        "author": "Ada <ada@example.org>",
        "license": "MIT",
        "type": "service",
        "entry_point": "main.py",
        "permissions": ["network.http"],
    }
    (source / "plugin.json").write_text(json.dumps(manifest))
    (source / "main.py").write_text("x = 1\n")
    return pack(source, tmp_path / "dist", stored=True).path


@pytest.fixture
def stock_verify(instance):
    """Verify as any user of sigstore-python would: public API, exported trust root, nothing of ours."""
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(instance.directory / "trusted_root.json")))

    def verify(bundle, *, identity="dev@localhost", issuer=instance.issuer):
        return verifier.verify_dsse(Bundle.from_json(bundle), Identity(identity=identity, issuer=issuer))

    return verify
