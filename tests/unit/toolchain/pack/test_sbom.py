"""The SBOM: valid by the official schema, complete, and the same bytes for the same content."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import jsonschema
import pytest
from referencing import Registry, Resource

from mobileops.manifest import canonical, parse
from mobileops.toolchain.pack.distributions import dependency_graph, read_distributions
from mobileops.toolchain.pack.sbom import write_sbom
from tests.unit.toolchain.pack.conftest import MANIFEST

FOLDER = Path(__file__).resolve().parents[3] / "data" / "cyclonedx"
SCHEMAS = {path.name: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
REGISTRY = Registry().with_resources(
    (f"http://cyclonedx.org/schema/{name}", Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)
OFFICIAL = jsonschema.Draft7Validator(
    SCHEMAS["bom-1.6.SNAPSHOT.schema.json"],
    registry=REGISTRY,
    format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER,
)


def _install(site, name, version, *headers, wheel="Tag: py3-none-any"):
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *headers, "", "License: not a header"]
    (info / "METADATA").write_text("\n".join(lines), encoding="utf-8")
    if wheel:
        (info / "WHEEL").write_text(f"Wheel-Version: 1.0\n{wheel}\n")


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    _install(folder, "Alpha.Pkg", "1.2.0", "License-Expression: MIT OR Apache-2.0", "Requires-Dist: beta[fast]>=1")
    beta = ('Requires-Dist: gamma; extra == "fast"', "Requires-Dist: absent; extra == 'slow'")
    _install(folder, "beta", "1.0", *beta, "License: BSD", "Summary: Çok iyi")
    _install(
        folder, "gamma", "2.0+local.1", "Classifier: License :: OSI Approved :: MIT License", wheel="Tag: cp311-cp311-x"
    )
    return folder


def _manifest(**changes):
    return parse(json.dumps({**MANIFEST, **changes}).encode())


def _sbom(site, **options):
    manifest = _manifest(dependencies=["alpha-pkg", "beta; sys_platform == 'win32'"])
    data = write_sbom(manifest, read_distributions(site), **options)
    document = json.loads(data)
    OFFICIAL.validate(document)
    return document


def test_it_is_valid_by_the_official_schema_and_names_everything(site):
    document = _sbom(site, hashes={"beta": ["a" * 64], "gamma": ["b" * 64, "c" * 64]})
    alpha, beta, gamma = document["components"]
    assert (alpha["name"], alpha["purl"]) == ("Alpha.Pkg", "pkg:pypi/alpha-pkg@1.2.0")
    assert alpha["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert (beta["licenses"], beta["description"]) == ([{"license": {"name": "BSD"}}], "Çok iyi")
    assert beta["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert gamma["purl"] == "pkg:pypi/gamma@2.0%2Blocal.1"
    assert gamma["licenses"] == [{"license": {"name": "MIT License"}}]
    assert len(gamma["externalReferences"][0]["hashes"]) == 2


def test_the_graph_follows_extras_and_markers(site):
    graph = {entry["ref"]: entry["dependsOn"] for entry in _sbom(site)["dependencies"]}
    assert graph == {
        "pkg:generic/demo@1.0.0": ["pkg:pypi/alpha-pkg@1.2.0"],
        "pkg:pypi/alpha-pkg@1.2.0": ["pkg:pypi/beta@1.0"],
        "pkg:pypi/beta@1.0": ["pkg:pypi/gamma@2.0%2Blocal.1"],
        "pkg:pypi/gamma@2.0%2Blocal.1": [],
    }


def test_the_graph_is_that_of_the_system_the_bundle_is_for(site):
    found = dependency_graph(
        ["beta; platform_machine == 'sparc'"], read_distributions(site), environment={"platform_machine": "sparc"}
    )
    assert found[""] == ("beta",)


def test_the_official_schema_refuses_what_is_wrong():
    document = json.loads(write_sbom(_manifest()))
    OFFICIAL.validate(document)
    with pytest.raises(jsonschema.ValidationError):
        OFFICIAL.validate({**document, "serialNumber": "1"})


def test_the_serial_number_is_derived_from_the_content_and_there_is_no_time(site):
    one, again = (write_sbom(_manifest(), read_distributions(site)) for _ in range(2))
    other = write_sbom(_manifest(version="1.0.1"), read_distributions(site))
    assert one == again
    assert json.loads(one)["serialNumber"] != json.loads(other)["serialNumber"]
    assert "timestamp" not in json.loads(one)["metadata"]


def test_metadata_with_gaps_are_read_as_far_as_they_go(tmp_path):
    _install(tmp_path, "old", "1", "License: " + "long " * 100, "Classifier: License :: OSI Approved", wheel="")
    (tmp_path / "empty-1.dist-info").mkdir()
    (found,) = read_distributions(tmp_path)
    assert (found.licence, found.tags, found.native) == ("", (), False)


def test_native_wheels_are_told_from_the_others(site):
    assert [found.native for found in read_distributions(site)] == [False, False, True]


def test_the_serial_number_is_the_version_5_uuid_of_the_rest(site):
    document = _sbom(site)
    serial = document.pop("serialNumber")
    namespace = uuid.uuid5(uuid.NAMESPACE_URL, "https://mobileops.dev/bundle/sbom")
    assert serial == uuid.uuid5(namespace, canonical(document).decode()).urn
