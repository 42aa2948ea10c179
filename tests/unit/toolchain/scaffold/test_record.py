"""The record of a template, as somebody else may have written it."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.errors import MobileOpsError
from mobileops.toolchain.scaffold import record
from mobileops.toolchain.scaffold.record import Record

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
MADE = Record(
    template="service",
    made_with="0.1.0",
    schema_sha256="0" * 64,
    name="my-plugin",
    answers={"author": "Déjà Vu"},
    base={"main.py": b"print()\n", "lib/x.py": b""},
)


def refused(**changed: Any) -> str:
    form = json.loads(MADE.to_bytes()) | changed
    with pytest.raises(MobileOpsError) as caught:
        record.parse(json.dumps(form).encode(), where="record")
    assert caught.value.code == "MOP7111"
    return str(caught.value.why)


def base(files: object) -> str:
    return base64.b64encode(zlib.compress(json.dumps(files).encode())).decode()


@given(st.dictionaries(TEXTS, TEXTS, max_size=3), TEXTS)
def test_a_record_reads_back_as_it_was_written(answers: dict[str, str], content: str) -> None:
    made = Record(
        template="t", made_with="1", schema_sha256="", name="n", answers=answers, base={"a/b": content.encode()}
    )
    assert record.parse(made.to_bytes(), where="record") == made


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../up", "a/../../up", "", ".", "a//b", "./a", "a\0b", record.RECORD_NAME]
)
def test_a_path_that_could_leave_the_plugin_is_refused(path: str) -> None:
    assert "no path inside" in refused(base=base({path: ""}))


def test_a_base_that_inflates_without_bound_is_refused() -> None:
    assert "longer than" in refused(base=base64.b64encode(zlib.compress(b" " * (record.MAX_BASE_BYTES + 1))).decode())


@pytest.mark.parametrize(
    "changed",
    [
        {"format": 2},
        {"template": None},
        {"answers": [1]},
        {"answers": {"author": 1}},
        {"base": "%"},
        {"base": base64.b64encode(b"no zlib").decode()},
        {"base": base64.b64encode(zlib.compress(b"{}")[:-3]).decode()},
        {"base": base(["main.py"])},
        {"base": base({"main.py": 1})},
    ],
)
def test_a_damaged_record_is_refused(changed: dict[str, Any]) -> None:
    refused(**changed)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"format": 1}', b"{" * 200])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(MobileOpsError) as caught:
        record.parse(data, where="record")
    assert caught.value.code == "MOP7111"
