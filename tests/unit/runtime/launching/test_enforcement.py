from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.errors import IsolationRefused
from mobileops.runtime.home import Home
from mobileops.runtime.instances import overuse
from mobileops.runtime.isolation.cgroups import Group
from mobileops.runtime.launching import enforcement

if TYPE_CHECKING:
    from collections.abc import Callable


class Launchers:
    """Launchers that are refused as long as they want namespaces."""

    def __init__(self, code: str | None) -> None:
        self.code = code
        self.made: list[bool] = []

    def __call__(self, *, namespaces: bool = True, **_places: Any) -> Launchers:
        self.made.append(namespaces)
        return self

    def start(self) -> None:
        if self.code and self.made[-1]:
            raise IsolationRefused("missing", code=self.code)


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., list[bool]]:
    def run(code: str | None, **settings: Any) -> list[bool]:
        home = Home(tmp_path / "home").prepare()
        if settings:
            home.isolation_settings.write_text(json.dumps({"version": 1, **settings}))
        launchers = Launchers(code)
        groups = enforcement.start(home, make=launchers).groups  # type: ignore[arg-type]
        if groups is not None:
            groups.remove()
        return launchers.made

    return run


def test_the_full_level_is_tried_first_even_where_less_is_accepted(start):
    assert start(None, min_isolation="no-namespace") == [True]


def test_without_the_operators_word_a_host_without_namespaces_is_refused(start):
    with pytest.raises(IsolationRefused):
        start("MOP4002")


@pytest.mark.parametrize("code", ["MOP4002", "MOP4003", "MOP4004", "MOP4005", "MOP4009"])
def test_with_the_operators_word_plugins_run_without_namespaces(start, code):
    assert start(code, min_isolation="no-namespace") == [True, False]


@pytest.mark.parametrize("code", ["MOP4001", "MOP4006", "MOP4007", "MOP4008", "MOP4012"])
def test_no_word_of_the_operator_replaces_landlock_or_seccomp(start, code):
    with pytest.raises(IsolationRefused) as caught:
        start(code, min_isolation="no-namespace")
    assert caught.value.code == code


def test_a_refused_start_leaves_no_control_groups(tmp_path):
    home = Home(tmp_path / "home").prepare()
    with pytest.raises(IsolationRefused):
        enforcement.start(home, make=Launchers("MOP4006"))  # type: ignore[arg-type]
    record = home.run / "cgroups.json"
    assert not any(Path(path).exists() for path in (json.loads(record.read_text()) if record.exists() else []))


def test_what_is_not_enforced_is_nothing_at_the_full_level_with_all_controllers():
    group = Group(1, dict.fromkeys(("memory", "pids", "cpu"), Path("/none")))
    assert overuse.not_enforced("FULL", group) == ()


def test_without_controllers_memory_and_processor_time_are_named():
    gaps = overuse.not_enforced("FULL", None)
    assert [gap.split()[0] for gap in gaps] == ["memory", "processor"]


def test_without_namespaces_every_gap_of_that_level_is_named():
    assert set(overuse.bare.NOT_ENFORCED) < set(overuse.not_enforced("NO-NAMESPACE", None))
