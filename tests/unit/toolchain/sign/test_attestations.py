from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from mobileops.bundle import open_bundle
from mobileops.toolchain.pack import pack
from mobileops.toolchain.pack.inputs import build_inputs
from mobileops.toolchain.sign import BuildInputs, LocalSigner, Source, attestations, sign_bundle
from tests.fakes.plugin_folder import write_plugin

SCHEMAS = Path(__file__).parents[4] / "schema" / "attestations"
INPUTS = BuildInputs.from_packer(build_inputs())
CLEAN = Source("https://example.org/acme/plugins.git", "c" * 40, "hello")
DIRTY = Source("https://example.org/acme/plugins.git", "c" * 40, dirty=True)
SBOM = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []}


@pytest.fixture
def with_sbom(tmp_path):
    generated = {".mobileops/sbom.cdx.json": json.dumps(SBOM).encode()}
    return pack(write_plugin(tmp_path / "echo"), tmp_path / "dist", generated=generated).path


def follows(statement, kind):
    schema = json.loads((SCHEMAS / kind / "v1.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(statement)


def said(path, stock_verify):
    return json.loads(stock_verify(path.read_bytes())[1])


def test_provenance_and_materials_are_signed_beside_the_signature(with_sbom, instance, stock_verify):
    signer = LocalSigner(instance, "dev@localhost")
    signed = sign_bundle(with_sbom, signer=signer, source=CLEAN, inputs=INPUTS, attest=True)
    assert [path.name for path in signed.attestations] == [
        f"{with_sbom.name}.provenance.sigstore.json",
        f"{with_sbom.name}.sbom.sigstore.json",
    ]
    publish, provenance, sbom = (said(path, stock_verify) for path in (signed.path, *signed.attestations))
    assert publish["subject"] == provenance["subject"] == sbom["subject"]
    assert sbom["predicateType"] == "https://cyclonedx.org/bom"
    assert sbom["predicate"] == SBOM
    for statement, kind in ((publish, "plugin-publish"), (provenance, "provenance"), (sbom, "sbom")):
        follows(statement, kind)


def test_a_clean_commit_is_a_resolved_dependency(archive):
    with open_bundle(archive) as bundle:
        definition = json.loads(attestations.provenance(bundle, source=CLEAN, inputs=INPUTS))["predicate"]
    assert definition["buildDefinition"]["resolvedDependencies"] == [
        {"uri": f"git+{CLEAN.repository}@{CLEAN.commit}", "digest": {"gitCommit": CLEAN.commit}}
    ]


@pytest.mark.parametrize("source", [DIRTY, None])
def test_what_no_commit_says_is_no_resolved_dependency(archive, source):
    with open_bundle(archive) as bundle:
        statement = json.loads(attestations.provenance(bundle, source=source, inputs=INPUTS))
    follows(statement, "provenance")
    assert "resolvedDependencies" not in statement["predicate"]["buildDefinition"]


def test_without_build_inputs_no_provenance_is_claimed(archive, instance):
    signed = sign_bundle(archive, signer=LocalSigner(instance, "dev@localhost"), attest=True)
    assert [path.name for path in signed.attestations] == [f"{archive.name}.sbom.sigstore.json"]


def test_a_bundle_without_materials_has_no_statement_about_them():
    assert attestations.sbom(SimpleNamespace(members=())) is None


def test_a_signer_that_fails_on_the_last_statement_writes_nothing(with_sbom, instance):
    class Tired:
        """Sign twice, then fail."""

        calls = 0

        def sign(self, statement):
            self.calls += 1
            if self.calls == 3:
                raise RuntimeError
            return LocalSigner(instance, "dev@localhost").sign(statement)

    with pytest.raises(RuntimeError):
        sign_bundle(with_sbom, signer=Tired(), source=CLEAN, inputs=INPUTS, attest=True)
    assert list(with_sbom.parent.iterdir()) == [with_sbom]
