"""``mobileops inspect`` shows what a bundle says about itself."""

from __future__ import annotations

import json

from tests.fakes.lying_zip import Entry, bundle
from tests.fakes.plugin_folder import write_plugin


def test_a_built_bundle_shows_its_methods_and_that_nothing_is_vendored(mobileops, tmp_path):
    write_plugin(tmp_path / "echo")
    assert mobileops("package", "echo")[0] == 0
    code, out, _ = mobileops("inspect", "echo")
    assert code == 0
    assert "methods: echo(value), fail()" in out
    assert "vendored: none" in out
    facts = json.loads(mobileops("inspect", "echo", "--json")[1])
    assert facts["methods"]["echo"]["positional"] == ["value"]
    assert facts["dependencies"] == []
    assert [member["name"] for member in facts["members"]][:4] == [
        "plugin.json",
        ".mobileops/files.json",
        ".mobileops/sbom.cdx.json",
        ".mobileops/api.json",
    ]


def test_dependencies_are_listed_and_cannot_act_on_the_terminal(mobileops, tmp_path):
    component = {"name": "evil\x1b[2J", "version": "1", "licenses": [{"expression": "MIT"}]}
    sbom = Entry(b".mobileops/sbom.cdx.json", json.dumps({"components": [component]}).encode())
    (tmp_path / "demo-1.0.0.zip").write_bytes(bundle(sbom))
    code, out, _ = mobileops("inspect", "demo-1.0.0.zip")
    assert code == 0
    assert "evil\\x1b[2J  1        MIT" in out
    assert "\x1b" not in out


def test_a_malformed_description_is_refused_with_its_code(mobileops, tmp_path):
    (tmp_path / "demo-1.0.0.zip").write_bytes(bundle(Entry(b".mobileops/api.json", b"[]")))
    code, _, err = mobileops("inspect", "demo-1.0.0.zip")
    assert (code, "MOP2501" in err) == (1, True)
