from __future__ import annotations

import re
from pathlib import Path

import pytest

from mobileops.errors import TrustRefused
from mobileops.runtime.trust import Code, Outcome, TrustPolicy
from mobileops.runtime.trust.codes import refuse

HERE = Path(__file__)
REFERENCE = (Path(__file__).parents[4] / "docs/reference/trust.md").read_text()


def test_the_reference_lists_every_code_with_its_outcome_and_meaning():
    rows = re.findall(r"^\| `(MOP3[01]\d\d)` \| (\w+) \| (.+) \|$", REFERENCE, re.MULTILINE)
    assert rows == [(code.value, code.outcome.value, code.meaning) for code in Code]


def test_every_class_of_failure_has_a_test_that_provokes_it():
    tests = [path for folder in ("trust", "../cli") for path in (HERE.parent.parent / folder).glob("test_*.py")]
    provoked = "".join(path.read_text() for path in tests if path != HERE)
    assert [code.value for code in Code if f'"{code.value}"' not in provoked] == []
    assert len(Code) >= 45


def test_only_a_missing_signature_is_unsigned():
    assert [code for code in Code if code.outcome is Outcome.UNSIGNED] == [Code.NO_SIGNATURE, Code.STRIPPED]


@pytest.mark.parametrize("code", list(Code))
def test_a_refusal_carries_code_and_outcome(code):
    error = refuse(code, "something", where=Path("x"))
    assert isinstance(error, TrustRefused)
    assert (error.code, error.outcome, error.where, error.why) == (code.value, code.outcome.value, "x", code.meaning)
    assert (error.exit_code, code.value[:5]) == (3, "MOP31" if code.outcome is Outcome.UNTRUSTED else "MOP30")


def test_the_policy_in_the_reference_is_accepted(tmp_path):
    (example,) = re.findall(r"^```json\n(.+?)^```", REFERENCE, re.MULTILINE | re.DOTALL)
    (tmp_path / "trust.json").write_text(example)
    policy = TrustPolicy.load(tmp_path / "trust.json", local_root=tmp_path / "root.json")
    assert policy.publisher_of("acme-pay").identity == "release@corp.example"
