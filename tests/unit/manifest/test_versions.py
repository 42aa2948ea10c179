from __future__ import annotations

import itertools

import pytest

from mobileops.errors import ManifestError
from mobileops.manifest.versions import Version, VersionRange
from tests.unit.manifest import schema_examples

# SemVer 2.0.0, section 11.4.
ASCENDING = ["0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"]
ASCENDING += ["1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.1.0-0", "1.1.0", "2.0.0", "10.0.0"]
BAD_VERSIONS = ["", "1", "1.0", "1.0.0.0", "v1.0.0", "01.0.0", "1.0.00", "1.0.0-", "1.0.0-01", "1.0.0+", "1.0.0\n"]
BAD_VERSIONS += [" 1.0.0", "1.0.0-a..b", "1.0.0-ä", "\u0661.0.0", "1.0.0-" + "a" * 200]
BAD_RANGES = ["", "1.0.0", "latest", ">=1,", ",", ">>1", "=1", "~=1", ">=1.0.0.0", ">=1-rc.1", "^1", ">=1 <2", ">=1\n"]
BAD_RANGES += [">=1," * 200 + ">=1"]


def version(text):
    return Version.parse(text)


def contains(text, candidate):
    return VersionRange.parse(text).contains(version(candidate))


@pytest.mark.parametrize("text", [*ASCENDING, "1.0.0+build.01", "1.0.0-x.7.z-1+a-b"])
def test_a_version_is_written_as_it_was_read(text):
    assert str(version(text)) == text


def test_precedence_is_that_of_semver():
    for (i, a), (j, b) in itertools.product(enumerate(map(version, ASCENDING)), repeat=2):
        assert (a < b, a == b, a > b) == (i < j, i == j, i > j)


def test_build_metadata_takes_no_part_in_equality():
    assert version("1.0.0+a") == version("1.0.0+b")
    assert hash(version("1.0.0+a")) == hash(version("1.0.0+b"))


@pytest.mark.parametrize("text", BAD_VERSIONS)
def test_what_is_no_version_is_refused_by_the_parser_and_the_schema(text):
    with pytest.raises(ManifestError) as caught:
        Version.parse(text, where="x")
    assert (caught.value.code, caught.value.where) == ("MOP1121", "x")
    assert not schema_examples.accepts("version", text)


@pytest.mark.parametrize("text", BAD_RANGES)
def test_what_is_no_range_is_refused_by_the_parser_and_the_schema(text):
    with pytest.raises(ManifestError) as caught:
        VersionRange.parse(text, where="x")
    assert (caught.value.code, caught.value.where) == ("MOP1122", "x")
    assert not schema_examples.accepts("version_range", text)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=1.0.0", ["1.0.0", "1.0.1-a", "9.0.0"], ["0.9.9", "1.0.0-rc.1"]),
        (">1", ["1.0.1"], ["1.0.0"]),
        ("<=1.2", ["1.2.0", "1.2.0-rc.1"], ["1.2.1"]),
        ("==1.2.3", ["1.2.3", "1.2.3+b"], ["1.2.4"]),
        ("!=1.2.3", ["1.2.4"], ["1.2.3"]),
        ("~=1.4", ["1.4.0", "1.99.0"], ["1.3.9", "2.0.0"]),
        ("~=1.4.2", ["1.4.2", "1.4.9"], ["1.4.1", "1.5.0"]),
        (" >= 1 , < 2 ", ["1.5.0"], ["2.0.0", "0.9.0"]),
    ],
)
def test_a_range_holds_what_its_comparators_say(text, inside, outside):
    assert all(contains(text, candidate) for candidate in inside)
    assert not any(contains(text, candidate) for candidate in outside)


def test_an_upper_bound_keeps_its_own_prereleases_out():
    assert not contains("<2", "2.0.0-rc.1")
    assert contains("<2", "1.9.0-rc.1")
    assert contains("<2.0.0-rc.2", "2.0.0-rc.1")


@pytest.mark.parametrize("text", [">=2,<1", ">1,<=1", ">=1,<1", "==1,==2", "==1,<1", "==2,<1"])
def test_bounds_that_exclude_each_other_make_an_empty_range(text):
    assert VersionRange.parse(text).is_empty()


@pytest.mark.parametrize("text", [">=1,<=1", ">=1,<2", "==1", "!=1", "~=1.2", ">1"])
def test_bounds_that_meet_do_not_make_an_empty_range(text):
    assert not VersionRange.parse(text).is_empty()


def test_a_range_is_written_with_whole_versions():
    assert str(VersionRange.parse(" ~=1.4, !=1.5.0-rc.1")) == ">=1.4.0,<2.0.0,!=1.5.0-rc.1"


def test_a_version_cannot_be_changed_and_is_found_in_sets():
    version = Version.parse("1.2.3+build.1")
    with pytest.raises(AttributeError):
        version.major = 2
    assert {version: "found"}[Version(1, 2, 3)] == "found"
    assert version != "1.2.3"
    assert repr(version) == "Version('1.2.3+build.1')"
