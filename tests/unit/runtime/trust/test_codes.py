from __future__ import annotations

import re
from pathlib import Path

import pytest

from mobileops.errors import TrustRefused
from mobileops.runtime.trust import Code, Outcome, TrustPolicy
from mobileops.runtime.trust.codes import refuse
from tests.unit.runtime.trust.classes import CASES

REFERENCE = (Path(__file__).parents[4] / "docs/reference/trust.md").read_text()


def test_the_reference_lists_every_code_with_its_outcome_its_meaning_and_its_case():
    rows = re.findall(r"^\| `(MOP3[01]\d\d)` \| (\w+) \| (.+) \| (.+) \|$", REFERENCE, re.MULTILINE)
    assert rows == [(code.value, code.outcome.value, code.meaning, CASES[code.value].words) for code in Code]


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
