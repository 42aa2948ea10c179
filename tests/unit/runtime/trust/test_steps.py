"""The trail of `verify --explain`."""

from __future__ import annotations

from mobileops.errors import TrustRefused
from mobileops.runtime.trust.steps import Trail


def test_a_refusal_belongs_to_the_step_that_was_begun_last():
    trail = Trail()
    trail.begin(0, "a bundle")
    trail.found("one")
    trail.begin(1, "a signature")
    trail.refused(TrustRefused("it is damaged", code="MOP3010"))
    assert [(step.found, step.code) for step in trail.steps] == [
        ("one", trail.steps[0].code),
        ("it is damaged", "MOP3010"),
    ]


def test_a_refusal_before_the_first_step_belongs_to_none():
    trail = Trail()
    trail.refused(TrustRefused("no such file", code="MOP3000"))
    assert trail.steps == []
