from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mobileops.cli.commands import doctor
from mobileops.runtime.home import Home
from mobileops.runtime.isolation import bare
from mobileops.runtime.isolation.cgroup_hierarchies import Hierarchies
from mobileops.runtime.isolation.probe import HostReport, Mechanism
from mobileops.runtime.store import Store
from tests.fakes.published_json import as_published
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def test_the_doctor_refuses_a_host_without_namespaces_and_says_what_an_operator_could_accept(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Mechanism("user-namespace", ok=False, detail="user namespaces: EPERM", fix="set sysctl x=1")
    monkeypatch.setattr(doctor, "probe", lambda: HostReport("NO-NAMESPACE", (missing,)))
    code, out, _err = mobileops("doctor")
    assert (code, "isolation level: REFUSE" in out, "set sysctl x=1" in out) == (1, True, True)
    assert str(home.isolation_settings) in out
    home.isolation_settings.write_text('{"version": 1, "min_isolation": "no-namespace"}')
    code, out, _err = mobileops("doctor")
    assert (code, "isolation level: NO-NAMESPACE" in out) == (0, True)
    assert all(gap in out for gap in bare.NOT_ENFORCED)


def test_the_doctor_names_limits_that_no_control_group_holds(mobileops: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    why = dict.fromkeys(("memory", "pids", "cpu"), "cgroup v1: '/x': Permission denied")
    monkeypatch.setattr(doctor.cgroup_hierarchies, "find", lambda: Hierarchies(0, {}, why))
    _code, out, _err = mobileops("doctor")
    assert "measured every 50 ms" in out
    assert "Delegate=" in out
    assert "no control group for memory, pids, cpu: cgroup v1: '/x': Permission denied" in out
    assert max(len(line) for line in out.splitlines() if line.startswith("limit ")) <= 80


def test_the_doctor_refuses_where_control_groups_are_required_and_missing(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Hierarchies(0, {}, {"memory": "no hierarchy has it"})
    monkeypatch.setattr(doctor.cgroup_hierarchies, "find", lambda: missing)
    home.isolation_settings.write_text('{"version": 1, "require_cgroup": true}')
    code, out, _err = mobileops("doctor")
    assert (code, "isolation level: REFUSE" in out) == (1, True)
    assert f"'require_cgroup' in {home.isolation_settings}" in out


def test_the_doctor_finds_and_mends_what_is_wrong_with_the_store(mobileops: Run, home: Home, tmp_path: Path) -> None:
    publisher = Publisher(home, tmp_path)
    store = Store(home)
    receipt = store.install(publisher.publish(), verify=publisher.decision())
    assert "store: in order" in mobileops("doctor")[1]
    (store.folder(receipt) / "__pycache__").rename(tmp_path / "elsewhere")
    code, out, err = mobileops("doctor")
    assert (code, "is not what was installed" in out, "--repair" in err) == (1, True, True)
    _code, out, _err = mobileops("doctor", "--repair", "--json")
    (finding,) = as_published("doctor", out)["store"]
    assert (finding["mendable"], finding["mended"]) == (True, True)
    assert as_published("doctor", mobileops("doctor", "--json")[1])["store"] == []
