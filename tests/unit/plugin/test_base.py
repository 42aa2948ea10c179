"""`mobileops.plugin.base`: identity, configuration, logging and queued requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mobileops.plugin import Request, ServicePlugin, host, plugin_method
from mobileops.plugin.testing import LocalHost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Adder(ServicePlugin):
    """A plugin with one method."""

    @plugin_method
    def add(self, left: int, right: int = 1) -> int:
        """Add."""
        return left + right


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalHost]:
    attached = LocalHost(
        {"name": "adder", "version": "1.2.3", "configuration": {"step": 2}}, app=tmp_path, settings={"step": 5}
    )
    host.attach(attached)
    yield attached
    host.attach(None)


def test_identity_comes_from_the_manifest(local: LocalHost) -> None:
    plugin = Adder("another-name")
    assert (plugin.name, plugin.version) == ("adder", "1.2.3")
    assert "'another-name'" in local.records[0]["message"]


def test_the_manifests_own_name_is_not_remarked_upon(local: LocalHost) -> None:
    Adder("adder")
    assert local.records == []


def test_settings_win_over_the_manifest(local: LocalHost) -> None:
    assert Adder().config == {"step": 5}


def test_a_loaded_configuration_is_a_copy(local: LocalHost) -> None:
    plugin = Adder()
    plugin.load_config()["step"] = 99
    assert plugin.reload_config() == {"step": 5}


def test_a_test_is_not_cancelled_unless_it_says_so(local: LocalHost) -> None:
    plugin = Adder()
    assert plugin.cancelled() is False
    local.cancels = True
    assert plugin.cancelled() is True


def test_log_levels_are_checked(local: LocalHost) -> None:
    plugin = Adder()
    plugin.log("info", "text", answer=42)
    assert local.records[-1] == {"level": "INFO", "message": "text", "answer": 42}
    with pytest.raises(ValueError, match="LOUD"):
        plugin.log("LOUD", "text")


def test_queued_requests_are_taken_once_and_answered(local: LocalHost) -> None:
    plugin = Adder()
    local.enqueue(Request(id=7, method="add", args=(1,), kwargs={"right": 2}))
    (request,) = plugin.get_pending_requests()
    plugin.send_response(request.id, plugin.handle_request(request))
    assert local.responses == {7: 3}
    assert plugin.get_pending_requests() == []


def test_a_queued_request_reaches_exported_methods_only(local: LocalHost) -> None:
    plugin = Adder()
    with pytest.raises(LookupError, match="load_config"):
        plugin.handle_request(Request(id=1, method="load_config"))
    plugin.send_error_response(1, "no")
    assert local.error_responses == {1: "no"}


def test_uptime_grows(local: LocalHost) -> None:
    plugin = Adder()
    first = plugin.get_uptime()
    assert 0 <= first <= plugin.get_uptime()


def test_run_does_nothing_under_a_manager(local: LocalHost) -> None:
    plugin = Adder()
    plugin.run()
    assert plugin.initialize() is None
    assert plugin.health_check() is None


def test_begin_and_end_run_the_services_own_methods(local: LocalHost) -> None:
    calls: list[str] = []

    class Recorder(ServicePlugin):
        def start(self) -> None:
            calls.append("start")

        def stop(self) -> None:
            calls.append("stop")

    plugin = Recorder()
    plugin.begin()
    plugin.end()
    assert calls == ["start", "stop"]
