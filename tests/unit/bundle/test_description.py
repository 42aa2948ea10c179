"""What a bundle says about itself: claims of an untrusted archive, of which only the shape is checked."""

from __future__ import annotations

import json

import pytest

from mobileops.bundle import open_bundle, read_api, read_sbom
from mobileops.bundle.description import Licence, LicenceName
from mobileops.errors import BundleRefused
from tests.fakes.lying_zip import Entry, bundle

API = {
    "api_version": 1,
    "methods": {"run": {"params": {"type": "object"}, "positional": ["a"], "returns": {}}},
    "events": {"publishes": ["x"], "subscribes": []},
    "hooks": [],
    "complete": True,
    "class": "Demo",
    "base_class": "ServicePlugin",
}
DIGEST = {"alg": "SHA-256", "content": "a" * 64}
COMPONENTS = [
    {"name": "a", "version": "1", "licenses": [{"expression": "MIT"}], "hashes": [DIGEST]},
    {
        "name": "b",
        "version": "2",
        "externalReferences": [{"type": "distribution", "hashes": [{**DIGEST, "alg": "MD5"}]}],
    },
]


def _open(tmp_path, *, api=None, sbom=None):
    parts = {".mobileops/sbom.cdx.json": sbom, ".mobileops/api.json": api}
    entries = [
        Entry(name.encode(), data if isinstance(data, bytes) else json.dumps(data).encode())
        for name, data in parts.items()
        if data is not None
    ]
    path = tmp_path / "demo-1.0.0.zip"
    path.write_bytes(bundle(*entries))
    return open_bundle(path)


def test_both_documents_are_read(tmp_path):
    with _open(tmp_path, api=API, sbom={"components": COMPONENTS}) as opened:
        api, sbom = read_api(opened), read_sbom(opened)
    assert (api.cls, api.methods["run"].positional, api.events.publishes) == ("Demo", ("a",), ("x",))
    assert [component.sha256 for component in sbom.components] == [{"a" * 64}, frozenset()]


def test_a_licence_has_one_spelling():
    licences = (Licence("MIT"), Licence(license=LicenceName("0BSD", "x")), Licence(license=LicenceName(name="Own")))
    assert list(map(str, licences)) == ["MIT", "0BSD", "Own"]


def test_a_bundle_without_them_says_nothing(tmp_path):
    with _open(tmp_path) as opened:
        assert (read_api(opened), read_sbom(opened)) == (None, None)


@pytest.mark.parametrize("data", [b"[", b"\xff", b"[]", b'{"methods": 1}', b'{"a": 1, "a": 1}'])
def test_another_shape_is_refused_with_the_name_of_the_member(tmp_path, data):
    with _open(tmp_path, api=data, sbom=data) as opened:
        for read, name in ((read_api, "api.json"), (read_sbom, "sbom.cdx.json")):
            with pytest.raises(BundleRefused) as refused:
                read(opened)
            assert refused.value.code == "MOP2501"
            assert refused.value.where.endswith(f"!.mobileops/{name}") or f"{name}:" in refused.value.where
