"""`mobileops.plugin.fakes`: the platform of an author's unit test."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.errors import HostFault, NotFoundError, PermissionDenied
from mobileops.plugin import ServicePlugin, host, models
from mobileops.plugin.testing import LocalHost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVERYTHING = ["api.platform", "plugin.communicate", "events.publish:*", "events.subscribe:*"]


class Curious(ServicePlugin):
    """A plugin that asks for everything."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Any] = []


class Attach:
    """Makes plugins whose host has some permissions."""

    def __init__(self, app: Path) -> None:
        self._app = app

    def __call__(self, *permissions: str) -> Curious:
        document = {"name": "curious", "version": "1.0.0", "permissions": list(permissions)}
        self.host = LocalHost(document, app=self._app)
        host.attach(self.host)
        self.host.plugin = Curious()
        return self.host.plugin


@pytest.fixture
def attach(tmp_path: Path) -> Iterator[Attach]:
    made = Attach(tmp_path)
    yield made
    made.host.close()
    host.attach(None)


def test_what_plugin_json_does_not_declare_is_denied_as_on_a_device(attach: Attach) -> None:
    plugin = attach("events.publish:job.done")
    plugin.publish("job.done", {"id": 1})
    for act in (
        lambda: plugin.publish("other.topic", {}),
        lambda: plugin.subscribe("device.*", plugin.heard.append),
        lambda: plugin.send_message("other", {}),
        plugin.get_platform_api().network.get_status,
    ):
        with pytest.raises(PermissionDenied):
            act()


def test_messages_are_kept_and_answered_as_prepared(attach: Attach) -> None:
    plugin = attach(*EVERYTHING)
    attach.host.replies["other"] = {"done": True}
    assert plugin.send_message("other", {"action": "x"}).result() == {"done": True}
    assert plugin.send_message("silent", {}).result() is None
    assert attach.host.sent == [("other", {"action": "x"}), ("silent", {})]


def test_events_are_kept_and_delivered_by_topic(attach: Attach) -> None:
    plugin = attach(*EVERYTHING)
    plugin.subscribe("device.*", plugin.heard.append)
    attach.host.emit("device.connected", {"device_id": 1})
    attach.host.emit("other.topic", {"device_id": 2})
    plugin.unsubscribe("device.*")
    plugin.unsubscribe("never.subscribed")
    attach.host.emit("device.connected", {"device_id": 3})
    plugin.publish("job.done", {"id": 1})
    assert plugin.heard == [{"device_id": 1}]
    assert attach.host.published == [("job.done", {"id": 1})]


def test_an_asset_is_bytes_or_a_file_and_absent_otherwise(attach: Attach, tmp_path: Path) -> None:
    assets = attach(*EVERYTHING).get_platform_api().assets
    (tmp_path / "weights").write_bytes(b"22")
    attach.host.assets.update({"small": b"1", "file": tmp_path / "weights"})
    assert assets.get("small").sha256 == hashlib.sha256(b"1").hexdigest()
    assert assets.get("file").size == 2
    with pytest.raises(NotFoundError, match="no asset 'none'"):
        assets.get("none")


@pytest.mark.parametrize(
    ("answer", "label", "confidence"),
    [("good", "good", 1.0), (("bad", 0.25), "bad", 0.25), ({"y": [1]}, None, None)],
)
def test_a_model_is_a_function(attach: Attach, answer: Any, label: str | None, confidence: float | None) -> None:
    plugin = attach(*EVERYTHING)
    attach.host.models["sentiment"] = lambda _input: answer
    found = plugin.get_platform_api().ai.inference(model="sentiment", input="text")
    assert (found.label, found.confidence) == (label, confidence)
    assert models.load(plugin.get_platform_api(), "sentiment").predict("text").label == label
    with pytest.raises(NotFoundError):
        plugin.get_platform_api().ai.inference(model="none", input="text")


def test_the_network_and_the_devices_are_what_the_test_says(attach: Attach) -> None:
    api = attach(*EVERYTHING).get_platform_api()
    assert api.network.get_status().online is False
    attach.host.devices.append({"id": "usb:1", "subsystem": "usb", "name": "stick", "properties": {"vendor": "x"}})
    (device,) = api.devices.list()
    assert (device.id, device.subsystem, device.name, device.properties) == ("usb:1", "usb", "stick", {"vendor": "x"})


def test_any_answer_can_be_replaced_by_a_value_an_error_or_a_function(attach: Attach) -> None:
    plugin = attach(*EVERYTHING)
    attach.host.answers["event.publish"] = 3
    assert plugin.publish("a.b", {}) == 3
    attach.host.answers["event.publish"] = lambda body: len(body["topic"])
    assert plugin.publish("a.b", {}) == 3
    attach.host.answers["event.publish"] = HostFault("the disk is full", code="MOP8001")
    with pytest.raises(HostFault, match="disk"):
        plugin.publish("a.b", {})
    assert plugin._host.ask("an.operation.of.another.version", {}) is None


def test_a_message_to_a_plugin_without_a_handler_is_logged(attach: Attach) -> None:
    attach().handle_message("other", {})
    assert "no handle_message" in attach.host.records[-1]["message"]


def test_a_response_goes_to_a_request_or_a_sender_and_nowhere_else(attach: Attach) -> None:
    with pytest.raises(TypeError, match="no request"):
        attach().send_response("other", {})


def test_a_reload_reads_the_settings_initialises_and_begins_again(attach: Attach) -> None:
    plugin = attach()
    done: list[str] = []
    plugin.stop = lambda: done.append("stop")  # type: ignore[method-assign]
    plugin.start = lambda: done.append("start")  # type: ignore[method-assign]
    plugin.reload()
    assert done == ["stop", "start"]
    plugin.initialize = lambda: False  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="returned False"):
        plugin.reload()
