"""Real bundles of the public Sigstore, whole and tampered with, judged by this client and by sigstore-python.

``nox -s interop`` downloads them, and names their folder in INTEROP_SERVICES.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import sigstore

from mobileops.runtime.trust import _sigstore, anchors, public_root, signature_file
from mobileops.runtime.trust.rules import Root
from tests.conformance import families, published, suite

STAGING = Path(sigstore.__file__).parent / "_store/https%3A%2F%2Ftuf-repo-cdn.sigstage.dev/trusted_root.json"


@pytest.fixture(scope="module")
def sources():
    (found,) = Path(os.environ["INTEROP_SERVICES"]).glob("pypi_attestations-*.tar.gz")
    return found


@pytest.fixture
def checkout(sources, tmp_path):
    """A folder like a checkout of the suite, with each release whole, and one case of each family."""
    assets = tmp_path / "checkout/test/assets/bundle-verify"
    assets.mkdir(parents=True)
    (assets / "a.txt").write_bytes(b"unused")

    def enter(name, release, bundle, artifact, root=None):
        (assets / name).mkdir()
        files = {"identity": release.identity.encode(), "issuer": release.issuer.encode()}
        files |= {"bundle.sigstore.json": bundle, "artifact": artifact}
        for file, content in (files | ({"trusted_root.json": root} if root else {})).items():
            (assets / name / file).write_bytes(content)

    read = {name: published.read(sources, release) for name, release in published.RELEASES.items()}
    for name, release in published.RELEASES.items():
        artifact, bundle = read[name]
        enter(name, release, bundle, artifact)
        enter(f"{name}-other-artifact_fail", release, bundle, b"another")
        enter(f"{name}-other-identity_fail", release._replace(identity="eve@example.org"), bundle, artifact)
        enter(f"{name}-longer-identity_fail", release._replace(identity=f"{release.identity}0"), bundle, artifact)
        enter(f"{name}-other-issuer_fail", release._replace(issuer="https://example.org"), bundle, artifact)
        enter(f"{name}-from-wrong-instance_fail", release, bundle, artifact, root=STAGING.read_bytes())
    release, (artifact, bundle) = published.RELEASES["github"], read["github"]
    for name, changed in families.refused(bundle, read["github-slsa"][1]):
        enter(f"{name}_fail", release, changed, artifact)
    return tmp_path / "checkout"


def test_every_published_bundle_is_judged_rightly_and_no_worse_than_by_sigstore_python(checkout, capfd):
    assert suite.run(checkout) == 0
    shown = capfd.readouterr().out
    count = 2 * (6 * len(published.RELEASES) + len(families.CHANGES) + 1)
    assert f"ours: {count} of {count}" in shown, shown
    accepted = re.findall(r"^(\S+) +yes +pass pass +pass pass$", shown, re.MULTILINE)
    assert sorted(accepted) == sorted(published.RELEASES)  # the control: refusing everything would not do


@pytest.mark.parametrize("name", published.RELEASES)
def test_a_device_reads_what_the_public_instance_certified(sources, tmp_path, name):
    release = published.RELEASES[name]
    (tmp_path / "bundle").write_bytes(published.read(sources, release)[1])
    root = Root("public", "public", public_root.PATH)
    checked = _sigstore.check(signature_file.read(tmp_path / "bundle"), anchors.read([root]).trusted_roots)
    assert (checked.roots, checked.identity, checked.issuer) == ((root,), release.identity, release.issuer)
    assert checked.claims["source_repository_uri"]
