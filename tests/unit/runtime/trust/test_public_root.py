"""The root that ships is the one that sigstore ships."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from urllib.parse import quote

import pytest

from mobileops.errors import TrustRefused
from mobileops.runtime.trust import _sigstore, public_root


def test_it_is_the_documented_file_and_usable():
    data = public_root.PATH.read_bytes()
    assert hashlib.sha256(data).hexdigest() == public_root.SHA256
    _sigstore.check_root(data)


@pytest.mark.parametrize(
    ("path", "name"), [(public_root.PATH, "trusted_root.json"), (public_root.TUF_ROOT, "root.json")]
)
def test_it_agrees_with_the_installed_sigstore(path, name):
    """Byte for byte with the version that it came from; a later one may only have added to it."""
    store = importlib.resources.files("sigstore._store") / quote(public_root.TUF_URL, safe="") / name
    theirs, ours = json.loads(store.read_bytes()), json.loads(path.read_bytes())
    if name == "root.json":
        assert theirs["signed"]["version"] >= ours["signed"]["version"]
    else:
        known = {entry["logId"]["keyId"] for entry in theirs["tlogs"]}
        assert {entry["logId"]["keyId"] for entry in ours["tlogs"]} <= known


def test_a_root_without_a_certificate_authority_is_refused():
    document = json.loads(public_root.PATH.read_bytes()) | {"certificateAuthorities": []}
    with pytest.raises(TrustRefused) as caught:
        _sigstore.check_root(json.dumps(document).encode())
    assert caught.value.code == "MOP3133"
