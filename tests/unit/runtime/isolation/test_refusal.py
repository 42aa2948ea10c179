from __future__ import annotations

import errno

import pytest

from mobileops.errors import IsolationRefused
from mobileops.runtime.isolation import refusal
from mobileops.runtime.isolation.network import NetworkGrants
from mobileops.runtime.isolation.policy import Limits, SandboxPolicy
from mobileops.runtime.launching.launcher import Launcher


@pytest.mark.parametrize("step", refusal.CAUSES)
def test_every_step_has_a_code_of_the_isolation_range_and_a_fix(step):
    error = refusal.refused(step, errno.EPERM, "detail")
    assert error.code.startswith({"network": "MOP41", "broker": "MOP41", "resources": "MOP42"}.get(step, "MOP40"))
    assert error.fix
    assert refusal.CAUSES[step].mechanism in error.what


def test_a_refusal_names_the_step_and_the_errno():
    error = refusal.refused("landlock", errno.ENOSYS, "landlock_create_ruleset")
    assert "'landlock'" in error.what
    assert "ENOSYS" in error.what
    assert error.where == "landlock_create_ruleset"


def test_an_unknown_step_is_refused_too():
    assert refusal.refused("something new", 0, "").code == "MOP4012"


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("user/max_user_namespaces", "0", "user.max_user_namespaces"),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns"),
    ],
)
def test_the_setting_that_forbids_user_namespaces_is_named(tmp_path, setting, value, named):
    path = tmp_path / setting
    path.parent.mkdir()
    path.write_text(f"{value}\n")
    assert named in refusal.user_namespace_fix(tmp_path)


def test_without_a_forbidding_setting_the_fix_is_general(tmp_path):
    assert refusal.user_namespace_fix(tmp_path, root=tmp_path) == refusal.CAUSES["user-namespace"].fix


@pytest.mark.parametrize("mark", [".dockerenv", "run/.containerenv"])
def test_in_a_container_the_fix_is_its_seccomp_profile(tmp_path, mark):
    (tmp_path / mark).parent.mkdir(exist_ok=True)
    (tmp_path / mark).touch()
    assert "--security-opt seccomp" in refusal.user_namespace_fix(tmp_path, root=tmp_path)


def test_a_reported_step_becomes_a_refusal():
    report = {"event": "failed", "step": "seccomp", "errno": errno.ENOSYS, "detail": "seccomp"}
    assert refusal.from_report(report).code == "MOP4007"


def test_a_reported_rule_keeps_its_whole_form():
    form = IsolationRefused("no", code="MOP4009", where="here", why="because", fix="change it").to_dict()
    report = {"event": "failed", "step": "start", "errno": 0, "detail": "", "refusal": form}
    assert refusal.from_report(report).to_dict() == form


def test_a_plugin_with_a_network_is_refused_by_name_where_there_are_no_namespaces(tmp_path):
    limits = Limits(memory_bytes=1 << 28, processes=8, open_files=64, file_size_bytes=1 << 20)
    network = NetworkGrants(listen=(8080,))
    policy = SandboxPolicy("talker", str(tmp_path / "p"), str(tmp_path / "d"), None, limits, network=network)
    launcher = Launcher(plugins=tmp_path, data=tmp_path, namespaces=False)
    with pytest.raises(IsolationRefused) as caught:
        launcher.launch(policy, {})
    assert caught.value.code == "MOP4015"
    assert "'talker' has a network permission" in caught.value.what
