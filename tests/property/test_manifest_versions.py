from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mobileops.errors import ManifestError
from mobileops.manifest import Version, VersionRange
from tests.unit.manifest import schema_examples

NUMBERS = st.integers(0, 999_999_999) | st.integers(0, 3)
IDENTIFIERS = NUMBERS | st.from_regex("[0-9]*[A-Za-z-][0-9A-Za-z-]{0,3}", fullmatch=True)
BUILDS = st.just("") | st.from_regex(r"[0-9A-Za-z-]{1,4}(\.[0-9A-Za-z-]{1,4})?", fullmatch=True)
VERSIONS = st.builds(Version, NUMBERS, NUMBERS, NUMBERS, st.lists(IDENTIFIERS, max_size=3).map(tuple), BUILDS)
OPERATORS = st.sampled_from([">=", ">", "<=", "<", "==", "!="])
BOUNDS = VERSIONS.map(lambda version: str(version).partition("+")[0])
RANGES = st.lists(st.builds("{}{}".format, OPERATORS, BOUNDS), min_size=1, max_size=3).map(",".join)


@given(VERSIONS)
def test_a_version_reads_back_as_itself_and_is_one_for_the_schema(version):
    again = Version.parse(str(version))
    assert (again, again.build) == (version, version.build)
    assert schema_examples.accepts("version", str(version))


@given(VERSIONS, VERSIONS, VERSIONS)
def test_versions_are_totally_ordered(a, b, c):
    assert [a < b, a == b, a > b].count(True) == 1
    assert not a < b < c or a < c
    assert (hash(a) == hash(b)) or a != b


@given(RANGES, VERSIONS)
def test_a_range_reads_back_with_the_same_members(text, version):
    parsed = VersionRange.parse(text)
    assert VersionRange.parse(str(parsed)) == parsed
    assert VersionRange.parse(str(parsed)).contains(version) == parsed.contains(version)


@given(RANGES, VERSIONS)
def test_a_range_said_to_be_empty_has_no_members(text, version):
    parsed = VersionRange.parse(text)
    bounds = [comparator.bound for comparator in parsed.comparators]
    assert not parsed.is_empty() or not any(parsed.contains(candidate) for candidate in [version, *bounds])


@given(st.text(st.sampled_from("0123456789.,<>=!~ -+ab\n"), max_size=12))
def test_the_parser_and_the_schema_accept_the_same_texts(text):
    assert _accepts(Version, text) == schema_examples.accepts("version", text)
    assert _accepts(VersionRange, text) == schema_examples.accepts("version_range", text)


def _accepts(kind, text):
    try:
        kind.parse(text)
    except ManifestError:
        return False
    return True
