"""Bundles that the public Sigstore issued to builds on GitHub, GitLab and CircleCI, from a package on PyPI.

The sources of ``pypi-attestations`` (Apache-2.0, Trail of Bits) carry released archives with their attestations
(PEP 740). ``nox -s interop`` downloads them by version and digest, ``published.txt``; a test takes what it needs from
the archive, and writes attestations as the Sigstore bundles that they were made of.
"""

from __future__ import annotations

import json
import tarfile
from typing import NamedTuple

from mobileops.runtime.trust.signature_file import MEDIA_TYPE
from mobileops.runtime.trust.statement import PAYLOAD_TYPE

ASSETS = "pypi_attestations-0.0.30/test/assets"
ACTIONS = "https://token.actions.githubusercontent.com"
CIRCLE = "https://circleci.com/api/v2/projects/fdd9283f-e619-46af-8f9c-851f7d3e8b2b/pipeline-definitions"


class Release(NamedTuple):
    """An archive, the end of the name of its attestation, and who made it."""

    archive: str
    attestation: str
    identity: str
    issuer: str


RELEASES = {
    "github": Release(
        "pypi_attestations-0.0.19.tar.gz",
        "publish.attestation",
        "https://github.com/trailofbits/pypi-attestations/.github/workflows/release.yml@refs/tags/v0.0.19",
        ACTIONS,
    ),
    "github-slsa": Release(
        "pypi_attestations-0.0.19.tar.gz",
        "slsa.attestation",
        "https://github.com/trailofbits/pypi-attestations/.github/workflows/release.yml@refs/tags/v0.0.19",
        ACTIONS,
    ),
    "github-as-bundle": Release(
        "pypi_attestation_models-0.0.4a2.tar.gz",
        "sigstore",
        "https://github.com/trailofbits/pypi-attestation-models/.github/workflows/release.yml@refs/tags/v0.0.4a2",
        ACTIONS,
    ),
    "gitlab": Release(
        "gitlab_oidc_project-0.0.3.tar.gz",
        "publish.attestation",
        "https://gitlab.com/facutuesca/gitlab-oidc-project//.gitlab-ci.yml@refs/heads/main",
        "https://gitlab.com",
    ),
    "circleci": Release(
        "circleci_sign_publish_example-0.0.1.dev137-py3-none-any.whl",
        "publish.attestation",
        f"{CIRCLE}/8e4f8ab2-8d7c-4827-9f15-de076d6d647f",
        "https://oidc.circleci.com",
    ),
}


def read(sources, release):
    """Return (archive, Sigstore bundle) of a release, from the archive with the sources of the package."""
    with tarfile.open(sources) as archive:
        found = archive.extractfile(f"{ASSETS}/{release.archive}").read()
        attested = archive.extractfile(f"{ASSETS}/{release.archive}.{release.attestation}").read()
    document = json.loads(attested)
    return found, attested if "mediaType" in document else as_bundle(document)


def as_bundle(attestation):
    """Write an attestation of PEP 740 as a Sigstore bundle."""
    material, envelope = attestation["verification_material"], attestation["envelope"]
    document = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {
            "certificate": {"rawBytes": material["certificate"]},
            "tlogEntries": material["transparency_entries"],
        },
        "dsseEnvelope": {
            "payload": envelope["statement"],
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": envelope["signature"]}],
        },
    }
    return json.dumps(document).encode()
