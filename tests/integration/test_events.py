"""Events through the command line, with the real sandbox: the operator's own, plugins', and the kernel's of devices."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from tests.fakes.plugin_folder import write_plugin
from tests.integration.conftest import Account, wait_until

HEARS = """
    from mobileops.plugin import ServicePlugin, plugin_method

    class Hears(ServicePlugin):
        def initialize(self):
            self.events = []
            self.subscribe("device.connected", lambda event: self.events.append(["connected", event["device_id"]]))
            self.subscribe("device.disconnected", lambda event: self.events.append(["gone", event["device_id"]]))

        @plugin_method
        def heard(self):
            return self.events

        @plugin_method
        def tell(self, topic, event):
            return self.publish(topic, event)
"""
#: Its own devices: a network namespace, and a sysfs that shows it. The rest of the host is as it was.
OWN_DEVICES = "unshare --net --mount"
FOR_A_USER = " --user --map-current-user --keep-caps"
LISTEN = """
import asyncio, subprocess, sys
from mobileops.runtime.platform.devices import KernelDevices

async def main():
    heard = asyncio.Queue()
    devices = KernelDevices(lambda topic, event: heard.put_nowait((topic, event["device_id"])) or 1, look_s=3600)
    assert devices.watch() is None
    for words in ("add left type veth peer name right", "del left"):
        subprocess.run(["ip", "link", *words.split()], check=True)
        found = {await heard.get(), await heard.get()}
        print(sorted(found))

asyncio.run(asyncio.wait_for(main(), 30))
"""


@pytest.fixture
def hears(account: Account) -> Account:
    """An account with a plugin that listens to devices, installed."""
    permissions = ["events.subscribe:device.*", "events.publish:job.*"]
    account.give(write_plugin(account.folder / "hears", HEARS, permissions=permissions))
    for words in (("package", "hears"), ("sign", "hears"), ("install", "hears")):
        account.ok(*words)
    return account


def test_what_the_operator_emits_reaches_the_plugin(hears: Account) -> None:
    hears.ok("start", "hears")
    event = json.dumps({"device_id": "usb:1-1"})
    assert hears.json("event", "emit", "device.connected", event, "--json")["plugins"] == 1
    assert hears.ok("event", "emit", "device.other", event) == "device.other was handed to 0 plugins\n"
    assert hears.json("call", "hears", "heard") == [["connected", "usb:1-1"]]


def test_the_operator_sees_what_a_plugin_publishes(hears: Account) -> None:
    hears.ok("start", "hears")
    with hears.popen("event", "watch", "job.*", "--json") as watching:
        wait_until(lambda: _looks_on(hears, watching))
        assert hears.json("call", "hears", "tell", '"job.done"', '{"id": 1}') == 0
        line = json.loads(_line_about(watching, "job.done"))
        assert (line["from"], line["event"], line["lost"]) == ("plugin:hears", {"id": 1}, 0)
        watching.send_signal(2)
        _out, err = watching.communicate(timeout=30)
    assert (watching.returncode, "Traceback" in err) == (130, False)


def _looks_on(account: Account, watching: subprocess.Popen[str]) -> bool:
    """Emit until the first line comes: only then is it certain that somebody looks on."""
    import select  # noqa: PLC0415

    account.ok("event", "emit", "job.begun")
    return bool(select.select([watching.stdout], [], [], 0.2)[0])


def _line_about(watching: subprocess.Popen[str], topic: str) -> str:
    assert watching.stdout is not None
    return next(line for line in watching.stdout if json.loads(line)["topic"] == topic)


INSIDE = """
    PATH=$PATH:/usr/sbin:/sbin
    await() {
        for _ in $(seq 300); do
            mobileops call hears heard | grep -q "$1" && return
            sleep 0.1
        done
        exit 9
    }
    mount -t sysfs sysfs /sys
    mobileops start hears
    ip link add left type veth peer name right
    await '"net:right"'
    ip link del left
    await '"gone"'
    mobileops call hears heard
    mobileops daemon --stop
"""


def test_a_device_that_the_kernel_gets_and_loses_reaches_the_plugin(hears: Account) -> None:
    (hears.folder / "inside.sh").write_text(textwrap.dedent(INSIDE))
    done = hears.script(f"{OWN_DEVICES}{FOR_A_USER if hears.is_user else ''} sh -eu inside.sh")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{hears.ok('logs', 'hears')}"
    heard = _last_json(done.stdout)
    assert sorted(heard[:2]) == [["connected", "net:left"], ["connected", "net:right"]]
    assert heard[2][0] == "gone"


def test_the_kernels_own_messages_are_heard_without_looking() -> None:
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    words = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", LISTEN]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    topics = ("device.connected", "device.disconnected")
    assert done.stdout.splitlines() == [str([(topic, "net:left"), (topic, "net:right")]) for topic in topics]


def _last_json(text: str) -> Any:
    """Return the last JSON list of an output."""
    return json.loads(text[text.rindex("\n[\n") :])
