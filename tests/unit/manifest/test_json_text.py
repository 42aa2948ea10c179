from __future__ import annotations

import math
import types

import pytest

from mobileops.errors import ManifestError
from mobileops.manifest import _json_explain, json_text
from mobileops.manifest.json_text import canonical, loads


def refusal(data, **options):
    with pytest.raises(ManifestError) as caught:
        loads(data, where="f.json", **options)
    return [(finding.code, finding.where) for finding in caught.value.findings]


def test_a_strict_text_is_read():
    assert loads(b'{"a": [1, 2.5, "\\u00e9", null, true, false, {}]}', where="f") == {
        "a": [1, 2.5, "é", None, True, False, {}]
    }


def test_a_text_over_the_limit_is_refused_unread():
    assert refusal(b'{"a":1}', limit=6) == [("MOP1001", "f.json")]
    assert loads(b'{"a":1}', where="f", limit=7) == {"a": 1}


def test_nesting_is_accepted_up_to_the_limit_only():
    deepest = b"[" * json_text.MAX_JSON_DEPTH + b"]" * json_text.MAX_JSON_DEPTH
    assert loads(deepest, where="f")
    assert refusal(b"[" + deepest + b"]") == [("MOP1007", "f.json:1:65")]


def test_brackets_in_a_row_or_in_text_are_not_nesting():
    assert len(loads(b"[" + b"[]," * 200 + b'"' + b"[" * 200 + b'"]', where="f")) == 201


def test_a_depth_bomb_is_a_finding_and_no_recursion_error():
    assert refusal(b'{"a":' * 100_000) == [("MOP1007", "f.json:1:321")]


def test_columns_count_characters_not_bytes():
    assert refusal('["é",NaN]'.encode()) == [("MOP1006", "f.json:1:6")]


def test_a_byte_that_is_not_utf8_is_placed():
    assert refusal('{"é":\n  "'.encode() + b'\xe9"}') == [("MOP1002", "f.json:2:4")]


def test_utf16_is_not_utf8():
    assert refusal('{"a": 1}'.encode("utf-16"))[0][0] == "MOP1002"


def test_every_mistake_with_an_obvious_repair_is_reported_at_once():
    text = b'{"a": 1, # one\n "a": 2, /* two\n*/ "b": [NaN, 1e999,],}'
    assert refusal(text) == [
        ("MOP1008", "f.json:1:10"),
        ("MOP1005", "f.json:2:2"),
        ("MOP1008", "f.json:2:10"),
        ("MOP1006", "f.json:3:10"),
        ("MOP1010", "f.json:3:15"),
        ("MOP1009", "f.json:3:20"),
        ("MOP1009", "f.json:3:22"),
    ]


def test_words_of_json_are_no_mistakes_beside_one_that_is():
    assert refusal(b"[true, false, null, -Infinity]") == [("MOP1006", "f.json:1:21")]


def test_keys_that_differ_only_in_their_escapes_are_the_same_key():
    assert refusal(b'{"a": 1, "\\u0061": 2}') == [("MOP1005", "f.json:1:10")]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "1:1"),
        ("[", "1:2"),
        ("[1", "1:3"),
        ("[1 2]", "1:4"),
        ("[,]", "1:2"),
        ("[1,,2]", "1:4"),
        ("{1: 2}", "1:2"),
        ('{"a" 1}', "1:6"),
        ('{"a": }', "1:7"),
        ("['a']", "1:2"),
        ("[01]", "1:2"),
        ("[+1]", "1:2"),
        ("[1.]", "1:2"),
        ("[.5]", "1:2"),
        ("[0x10]", "1:2"),
        ("[1_000]", "1:2"),
        ('["a\tb"]', "1:2"),
        ('["\\x"]', "1:2"),
        ("[tru]", "1:2"),
        ("[None]", "1:2"),
        ("[1] [2]", "1:5"),
        ("/* open", "1:1"),
        ("[\u00a01]", "1:2"),
    ],
)
def test_what_is_no_json_is_placed(text, place):
    assert refusal(text.encode()) == [("MOP1004", f"f.json:{place}")]


@pytest.mark.parametrize("text", ["9007199254740992", "-9007199254740992", "9" * 5000, "1e16", "-1e999"])
def test_a_number_that_readers_disagree_on_is_refused(text):
    assert refusal(f"[{text}]".encode()) == [("MOP1010", "f.json:1:2")]


def test_the_largest_safe_integer_is_read():
    assert loads(b"[9007199254740991, -9007199254740991]", where="f") == [2**53 - 1, 1 - 2**53]


def test_a_surrogate_pair_is_a_character_and_half_of_one_is_refused():
    assert loads(b'["\\ud83d\\ude00"]', where="f") == ["\U0001f600"]
    assert refusal(b'["\\ud83d"]') == [("MOP1011", "f.json:1:2")]


def test_the_list_of_findings_is_bounded():
    assert len(refusal(b"[" + b"NaN," * 500 + b"1]")) == _json_explain.MAX_FINDINGS


def test_a_text_the_slow_reader_finds_nothing_in_is_refused_all_the_same():
    (finding,) = _json_explain.explain("{}", "f.json", fallback="the fast reader's words")
    assert (finding.code, finding.what) == ("MOP1004", "the fast reader's words")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (4.5e-7, "4.5e-7"),
        (1e-6, "0.000001"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (333333333.33333329, "333333333.3333333"),
        (9007199254740991, "9007199254740991"),
    ],
)
def test_numbers_are_written_as_ecmascript_does(value, text):
    assert canonical(value) == text.encode()


def test_keys_are_sorted_by_utf16_code_units():
    # RFC 8785, section 3.2.3: U+1F600 is D83D DE00 and comes before U+FB33, although its code point is larger.
    assert (
        canonical({"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3, "1": 4})
        == '{"1":4,"€":3,"\U0001f600":2,"\ufb33":1}'.encode()
    )


def test_strings_escape_only_what_they_must():
    assert canonical('\u20ac$\x0f\nA\'B"\\"/\x7f\b') == '"€$\\u000f\\nA\'B\\"\\\\\\"/\x7f\\b"'.encode()


def test_tuples_and_read_only_mappings_are_written_like_lists_and_objects():
    assert canonical(types.MappingProxyType({"b": (1, []), "a": {}})) == b'{"a":{},"b":[1,[]]}'


@pytest.mark.parametrize("value", [2**53, math.inf, math.nan])
def test_a_number_without_an_exact_form_is_not_written(value):
    with pytest.raises(ManifestError, match="no exact JSON form"):
        canonical([value])


def test_half_a_surrogate_pair_is_not_written():
    with pytest.raises(ManifestError, match="unpaired surrogate"):
        canonical("\ud83d")


def test_a_value_that_is_not_json_is_a_programming_error():
    with pytest.raises(TypeError, match="set has no JSON form"):
        canonical({1})
