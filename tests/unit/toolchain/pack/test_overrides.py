"""What packing refuses goes in only by name, and the bundle says so."""

from __future__ import annotations

import pytest

from mobileops.bundle import OVERRIDES_MEMBER, open_bundle, read_overrides
from mobileops.errors import PackagingError
from mobileops.toolchain.pack import PackCode, pack, plan

TOKEN = "ghp_" + "a1B2" * 9


@pytest.fixture
def leaky(source):
    (source / "lib" / "client.py").write_text(f"import os\nTOKEN = '{TOKEN}'\n")
    (source / "lib" / "old.pyc").write_bytes(b"\x00compiled")
    return source


def _code(act):
    with pytest.raises(PackagingError) as error:
        act()
    return error.value.code, error.value.where


def test_each_refused_file_needs_its_own_override(leaky, out):
    assert _code(lambda: plan(leaky)) == (PackCode.BYTECODE, "lib/old.pyc")
    planned = plan(leaky, allow={"lib/old.pyc"})
    assert _code(lambda: pack(leaky, out, planned=planned)) == (PackCode.SECRET, "lib/client.py")


def test_the_bundle_records_what_was_allowed_and_never_the_secret(leaky, out):
    packed = pack(leaky, out, planned=plan(leaky, allow={"lib/old.pyc", "lib/client.py"}))
    assert OVERRIDES_MEMBER in packed.members
    with open_bundle(packed.path) as bundle:
        found = {name: (one.code, one.found) for name, one in read_overrides(bundle).items()}
        assert TOKEN.encode() not in bundle.read(OVERRIDES_MEMBER, limit=1000)
    assert found == {
        "lib/client.py": ("MOP2408", "a GitHub token on line 2"),
        "lib/old.pyc": ("MOP2407", "compiled Python"),
    }


def test_a_bundle_without_overrides_has_no_record_of_any(source, out):
    packed = pack(source, out)
    assert OVERRIDES_MEMBER not in packed.members
    with open_bundle(packed.path) as bundle:
        assert read_overrides(bundle) == {}


@pytest.mark.parametrize("name", ["main.py", "lib/typo.pyc", "plugin.json"])
def test_allowing_what_nothing_refuses_is_an_error(leaky, name):
    assert _code(lambda: plan(leaky, allow={name, "lib/old.pyc"})) == (PackCode.OVERRIDE_UNUSED, name)


def test_a_file_too_large_to_be_searched_needs_no_override(leaky):
    (leaky / "data.txt").write_bytes(TOKEN.encode() + b" " * (1 << 20))
    assert _code(lambda: plan(leaky, allow={"data.txt", "lib/old.pyc"})) == (PackCode.OVERRIDE_UNUSED, "data.txt")
