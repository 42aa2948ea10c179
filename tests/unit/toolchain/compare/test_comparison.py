"""Two bundles of one plugin: every kind of change is seen, weighed, and compared with the step of the version."""

from __future__ import annotations

import itertools
import json

import jsonschema
import pytest

from mobileops.bundle import open_bundle
from mobileops.errors import BundleRefused, MobileOpsError
from mobileops.runtime.comparison.change import Level
from mobileops.toolchain import compare
from mobileops.toolchain._resources import schema_root
from mobileops.toolchain.pipeline import building
from tests.fakes.lying_zip import Entry, bundle
from tests.fakes.plugin_folder import write_plugin

SCHEMA = json.loads((schema_root() / "cli/diff.v1.schema.json").read_text())
COUNTER = itertools.count()


def _code(*methods, extra=""):
    body = "".join(f"    @plugin_method\n    {method}: ...\n" for method in methods) or "    pass\n"
    head = "from __future__ import annotations\nfrom mobileops.plugin import ServicePlugin, plugin_method\n"
    return f"{head}{extra}\nclass Demo(ServicePlugin):\n{body}"


def _built(tmp_path, code=None, **options):
    folder = tmp_path / f"side{next(COUNTER)}" / "demo"
    write_plugin(folder, code or _code("def run(self)"), **options)
    return building.package(folder, folder.parent).path


def _compare(old, new):
    with open_bundle(old) as one, open_bundle(new) as other:
        found = compare.compare(one, other)
    jsonschema.validate(found.to_dict(), SCHEMA)
    assert compare.text(found)
    assert compare.markdown(found)
    return found


def _changes(tmp_path, section, old, new):
    found = _compare(_built(tmp_path, **old), _built(tmp_path, **new))
    return [(change.kind, change.what, change.level.name) for change in found.sections[section]]


def test_the_same_bundle_has_no_changes_and_needs_no_step(tmp_path):
    path = _built(tmp_path)
    found = _compare(path, path)
    assert not any(found.sections.values())
    assert (found.required, found.actual, found.is_sufficient) == (Level.NONE, Level.NONE, True)


def test_permissions_are_compared_by_what_they_cover(tmp_path):
    old = {"permissions": ["filesystem.read:/srv/data", "network.http", "network.tcp:8080", "events.publish:a.b"]}
    new = {
        "permissions": ["filesystem.read:/srv", "network.http:example.com", "events.publish:a.b", "plugin.communicate"]
    }
    assert _changes(tmp_path, "permissions", old, new) == [
        ("widened", "filesystem.read:/srv", "MINOR"),
        ("added", "plugin.communicate", "MINOR"),
        ("narrowed", "network.http", "PATCH"),
        ("removed", "network.tcp:8080", "PATCH"),
    ]


def test_a_permission_that_another_covers_already_is_no_change(tmp_path):
    old = {"permissions": ["filesystem.read:/srv"]}
    assert (
        _changes(tmp_path, "permissions", old, {"permissions": ["filesystem.read:/srv", "filesystem.read:/srv/a"]})
        == []
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("def run(self)", None, ("removed", "run()", "MAJOR")),
        (None, "def run(self)", ("added", "run()", "MINOR")),
        ("def run(self, a)", "def run(self)", ("removed", "run(a)", "MAJOR")),
        ("def run(self)", "def run(self, a)", ("added", "run(a)", "MAJOR")),
        ("def run(self)", "def run(self, a=1)", ("added", "run(a)", "MINOR")),
        ("def run(self, a)", "def run(self, a=1)", ("changed", "run(a)", "MINOR")),
        ("def run(self, a=1)", "def run(self, a)", ("changed", "run(a)", "MAJOR")),
        ("def run(self, a=1)", "def run(self, a=2)", ("changed", "run(default of a)", "MINOR")),
        ("def run(self, a: int)", "def run(self, a: int | None)", ("changed", "run(a)", "MINOR")),
        ("def run(self, a: float)", "def run(self, a: int)", ("changed", "run(a)", "MAJOR")),
        ("def run(self, a, b)", "def run(self, b, a)", ("changed", "run(order)", "MAJOR")),
        ("def run(self, a)", "def run(self, *, a)", ("changed", "run(order)", "MAJOR")),
        ("def run(self, *a)", "def run(self)", ("removed", "run(*)", "MAJOR")),
        ("def run(self)", "def run(self, **a)", ("added", "run(**)", "MINOR")),
        ("def run(self, *a: int)", "def run(self, *a: float)", ("changed", "run(*)", "MINOR")),
        ("def run(self) -> int", "def run(self) -> int | None", ("changed", "run() result", "MAJOR")),
        ("def run(self) -> float", "def run(self) -> int", ("changed", "run() result", "MINOR")),
    ],
)
def test_a_change_of_a_method_is_weighed_by_what_callers_notice(tmp_path, old, new, expected):
    assert _changes(tmp_path, "api", {"code": _code(*filter(None, [old]))}, {"code": _code(*filter(None, [new]))}) == [
        expected
    ]


def test_a_record_that_grows_a_required_field_breaks_callers(tmp_path):
    record = "import dataclasses\n@dataclasses.dataclass\nclass R:\n    a: int\n"
    old, new = ({"code": _code("def run(self, r: R)", extra=extra)} for extra in (record, record + "    b: int\n"))
    assert _changes(tmp_path, "api", old, new) == [("changed", "run(r)", "MAJOR")]


def test_an_argument_that_moves_behind_a_removed_one_is_one_change(tmp_path):
    old, new = {"code": _code("def run(self, a, b)")}, {"code": _code("def run(self, b)")}
    assert _changes(tmp_path, "api", old, new) == [("removed", "run(a)", "MAJOR")]


def test_events_and_hooks_are_part_of_the_api(tmp_path):
    files = {"hooks/pre.py": "pass\n"}
    events = {"events": {"publishes": ["demo.done"]}, "permissions": ["events.publish:demo.done"]}
    old = {"files": files, **events}
    assert _changes(tmp_path, "api", old, {"files": files, "hooks": {"pre_start": "hooks/pre.py"}}) == [
        ("removed", "event demo.done", "MAJOR"),
        ("added", "hook pre_start", "PATCH"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {}, ("removed", "a", "MAJOR")),
        ({}, {"a": 1}, ("added", "a", "MINOR")),
        ({"a": 1}, {"a": 2}, ("changed", "a, its default", "MINOR")),
    ],
)
def test_settings_are_compared(tmp_path, old, new, expected):
    assert _changes(tmp_path, "configuration", {"configuration": old}, {"configuration": new}) == [expected]


def test_definitions_of_settings_are_compared_without_their_descriptions(tmp_path):
    def side(**definitions):
        return {"configuration_schema": definitions}

    number = {"type": "integer", "description": "x", "default": 1}
    assert _changes(tmp_path, "configuration", side(a=number), side(a={**number, "description": "y"})) == []
    changed = {"type": "string", "description": "x", "default": "1"}
    assert _changes(tmp_path, "configuration", side(a=number), side(a=changed)) == [
        ("changed", "a, its definition", "MAJOR")
    ]
    assert _changes(tmp_path, "configuration", side(a=number), side()) == [("removed", "a, its definition", "MAJOR")]
    assert _changes(tmp_path, "configuration", side(), side(a=number)) == [("added", "a, its definition", "MINOR")]


def test_files_and_other_keys_of_the_manifest_are_compared(tmp_path):
    old = {"files": {"a.txt": "1", "b.txt": "1"}, "description": "One"}
    new = {"files": {"a.txt": "2", "c.txt": "1"}, "description": "Two"}
    assert _changes(tmp_path, "files", old, new) == [
        ("changed", ".mobileops/sbom.cdx.json", "NONE"),
        ("changed", "a.txt", "PATCH"),
        ("removed", "b.txt", "PATCH"),
        ("added", "c.txt", "PATCH"),
    ]
    assert _changes(tmp_path, "manifest", old, new) == [("changed", "description", "PATCH")]


def test_an_execute_bit_is_a_change(tmp_path):
    plain, executable = (bundle(Entry(b"run.sh", b"x", mode=mode)) for mode in (0o100644, 0o100755))
    paths = [tmp_path / name for name in ("old.zip", "new.zip")]
    for path, data in zip(paths, (plain, executable), strict=True):
        path.write_bytes(data)
    found = _compare(*paths)
    assert [change.what for change in found.sections["files"]] == ["run.sh, its mode"]
    assert found.complete is False
    assert "does not describe its whole API" in compare.text(found)


def _with_sbom(path, *components):
    document = {"components": [dict(zip(("name", "version", "hashes"), one, strict=True)) for one in components]}
    path.write_bytes(bundle(Entry(b".mobileops/sbom.cdx.json", json.dumps(document).encode())))
    return path


def test_vendored_distributions_are_compared_also_by_their_hashes(tmp_path):
    def digest(letter):
        return [{"alg": "SHA-256", "content": letter * 64}]

    old = _with_sbom(
        tmp_path / "a.zip", ("a", "1", []), ("b", "1", digest("a")), ("c", "1", []), ("d", "1", digest("a"))
    )
    new = _with_sbom(
        tmp_path / "b.zip", ("a", "2", []), ("b", "1", digest("b")), ("d", "1", digest("a")), ("e", "1", [])
    )
    changes = _compare(old, new).sections["dependencies"]
    assert [(change.kind, change.what) for change in changes] == [
        ("changed", "a"),
        ("changed", "b 1, its hash"),
        ("removed", "c"),
        ("added", "e"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "sufficient"),
    [
        ("1.0.0", "2.0.0", True),
        ("1.0.0", "1.1.0", False),
        ("1.0.0", "1.0.0", False),
        ("2.0.0", "1.0.0", False),
        ("0.1.0", "0.2.0", True),
        ("0.1.0", "0.1.1", False),
    ],
)
def test_a_breaking_change_needs_a_major_step_or_before_1_0_a_minor_one(tmp_path, old, new, sufficient):
    sides = (
        _built(tmp_path, _code(*methods), version=version) for methods, version in ((["def run(self)"], old), ([], new))
    )
    assert _compare(*sides).is_sufficient is sufficient


def test_two_plugins_are_not_compared(tmp_path):
    with (
        open_bundle(_built(tmp_path)) as one,
        open_bundle(_built(tmp_path, name="other")) as other,
        pytest.raises(MobileOpsError, match="two plugins") as error,
    ):
        compare.compare(one, other)
    assert error.value.code == "MOP2510"


def test_a_damaged_bundle_is_refused(tmp_path):
    path = _built(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(b"main.py", 500) + 40] ^= 1
    path.write_bytes(data)
    with pytest.raises(BundleRefused), open_bundle(path) as one:
        compare.compare(one, one)


def test_text_of_a_hostile_bundle_acts_on_no_terminal_and_ends_no_table(tmp_path):
    old = _with_sbom(tmp_path / "a.zip")
    new = _with_sbom(tmp_path / "b.zip", ("x\x1b[2J`|<script>", "1", []))
    found = _compare(old, new)
    assert "\x1b" not in compare.text(found)
    row = next(line for line in compare.markdown(found).splitlines() if "script" in line)
    assert row.count("|") == 5
    assert row.count("`") == 4


def test_a_long_section_is_cut_and_counted(tmp_path):
    old, new = (
        _with_sbom(tmp_path / name, *parts)
        for name, parts in (("a.zip", ()), ("b.zip", [(f"p{n:03}", "1", []) for n in range(100)]))
    )
    found = _compare(old, new)
    assert "60 more added" in compare.text(found)
    assert "60 more added" in compare.markdown(found)
