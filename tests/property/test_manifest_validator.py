from __future__ import annotations

import copy
import json

from hypothesis import given
from hypothesis import strategies as st

from mobileops.errors import ManifestError
from mobileops.manifest import _generated, canonical, check, loads, parse
from tests.unit.manifest import schema_examples

SMALL_BYTES = 10_000  # hypothesis shows what it tried
DOCUMENTS = [json.loads(path.read_bytes()) for path in schema_examples.VALID if path.stat().st_size < SMALL_BYTES]
WORDS = [
    "network.tcp:8080", "network.http:*.example.com", "filesystem.read:/a/b", "events.publish:a.*", ">=1.0.0,<2",
    "1.0.0-rc.1", "main.py", "ui", "html", "x-a", "name", "type", "method", "source", "kind", "64MiB", "#00ff00",
]  # fmt: skip
TEXTS = st.sampled_from(WORDS) | st.text(st.sampled_from("aZ0.:/*-_[] \n\u0661\u20ac"), max_size=6)
LEAVES = st.none() | st.booleans() | st.integers(-2, 300) | st.floats(-1, 1e7) | TEXTS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))


def containers(value):
    """Return every object and array inside a document."""
    found = [value] if isinstance(value, dict | list) else []
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        found += containers(inner)
    return found


@st.composite
def mutated(draw):
    """A valid manifest with one to three values replaced, added or removed anywhere."""
    document = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 3))):
        container = draw(st.sampled_from(containers(document)))
        keys = list(container) if isinstance(container, dict) else list(range(len(container)))
        key = draw(st.sampled_from(keys)) if keys and draw(st.booleans()) else None
        if key is None and isinstance(container, dict):
            container[draw(TEXTS)] = draw(VALUES)
        elif key is None:
            container.append(draw(VALUES))
        elif draw(st.booleans()):
            container[key] = draw(VALUES)
        else:
            del container[key]
    return document


@given(mutated())
def test_the_generated_validator_agrees_with_jsonschema(document):
    assert {problem.at for problem in _generated.validate(document)} == schema_examples.reference_places(document)


@given(VALUES)
def test_the_two_agree_on_any_value(value):
    assert {problem.at for problem in _generated.validate(value)} == schema_examples.reference_places(value)


@given(mutated())
def test_checking_never_crashes_and_parsing_agrees_with_it(document):
    errors = [finding for finding in check(document) if finding.severity == "error"]
    try:
        manifest = parse(canonical(document))
    except ManifestError:
        assert errors
    else:
        assert not errors
        assert manifest.document == loads(canonical(document), where="f")


@given(TEXTS | st.lists(TEXTS, min_size=2, max_size=2).map(":".join))
def test_a_permission_string_is_judged_as_by_jsonschema(text):
    assert (not _generated.permission_problems(text)) == schema_examples.accepts("permission", text)
