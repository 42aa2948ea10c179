from __future__ import annotations

import json

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from mobileops.errors import ManifestError
from mobileops.manifest import _json_explain, canonical, loads

SAFE = 2**53 - 1
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(-SAFE, SAFE, allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
)
MARKS = [*'{}[]",:0123.-+eE\\/#*u \n', "true", "null", "NaN", '"a"', '"a":', "//", "/*", "*/", "\\ud83d"]
SCRAPS = st.lists(st.sampled_from(MARKS)).map("".join)


def findings(data):
    """Return what the reader says about a text it refuses, or nothing."""
    try:
        loads(data, where="f")
    except ManifestError as error:
        return error.findings
    return ()


@given(VALUES)
def test_a_value_survives_being_written_and_read(value):
    assert loads(canonical(value), where="f") == value


@given(VALUES)
def test_the_canonical_form_is_a_fixed_point(value):
    assert canonical(loads(canonical(value), where="f")) == canonical(value)


@given(VALUES | st.floats(allow_nan=False, allow_infinity=False))
def test_the_canonical_form_is_that_of_another_implementation(value):
    assert canonical(value) == rfc8785.dumps(value)


@given(SCRAPS)
def test_both_readers_agree_on_what_is_strict(text):
    """The fast reader accepts exactly the texts in which the slow one finds nothing."""
    explained = _json_explain.explain(text, "f", fallback="nothing found")
    refused = findings(text.encode())
    assert refused == explained if refused else explained[0].what == "nothing found"
    assert not refused or explained[0].what != "nothing found"


@given(SCRAPS)
def test_what_is_accepted_means_the_same_to_the_standard_library(text):
    assert findings(text.encode()) or loads(text.encode(), where="f") == json.loads(text)


@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused_with_findings_but_never_crash(data):
    assert all(finding.code.startswith("MOP10") for finding in findings(data))
