"""Every class of failure: accepted as it is, refused with its one code when its one thing is tampered with."""

from __future__ import annotations

import contextlib

import pytest

from mobileops.errors import TrustRefused
from mobileops.runtime.home import Home
from mobileops.runtime.trust import Code
from tests.fakes.tuf_repository import serving
from tests.unit.runtime.trust.classes import CASES, Stage


@pytest.fixture
def stage(release, tmp_path, monkeypatch):
    with serving(tmp_path / "repository") as repository:
        yield Stage(release, Home(tmp_path / "home").prepare(), monkeypatch, repository)


@pytest.mark.parametrize("code", CASES)
def test_what_is_accepted_is_refused_with_this_code_when_this_is_tampered_with(stage, code):
    steps = CASES[code].act(stage)
    next(steps)
    with stage.ask() or contextlib.nullcontext():  # control: nothing is wrong yet
        pass
    assert next(steps, "over") == "over"
    with pytest.raises(TrustRefused) as caught:
        stage.ask()
    assert (caught.value.code, caught.value.outcome) == (code, Code(code).outcome.value)


def test_no_code_is_without_a_case_and_no_case_without_a_code():
    assert sorted(CASES) == sorted(code.value for code in Code)
    assert len(CASES) >= 45
