"""Try every permission of the catalogue in a real sandbox, with it and without it; print what came of it as JSON.

``python -m tests.integration.every_permission FOLDER``, in a mount and network namespace of its own, as
`network_world` describes. Without a permission, the plugin has all the others of the table that do not open the same.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

from mobileops.errors import CallError, MobileOpsError
from mobileops.runtime import audit
from mobileops.runtime.isolation.syscalls import call as system_call
from mobileops.runtime.launching.launcher import Launcher
from mobileops.runtime.platform.assets import Assets
from mobileops.runtime.supervision.supervisor import Supervisor
from tests.fakes.together import Bench, call
from tests.integration.network_world import become_ordinary, make_world

LISTEN = 18_080
VARIABLE = "EVERY_PERMISSION"
MODEL = Path(__file__).parents[2] / "examples" / "sentiment" / "sentiment-analysis.onnx"
HEAD = "from mobileops.plugin import ServicePlugin, plugin_method\n"
#: Evaluates what it is told; what is not public at import time is in reach as a name.
CODE = (
    HEAD
    + """
import os, socket, subprocess

class Every(ServicePlugin):
    heard = None

    @plugin_method
    def attempt(self, expression):
        return eval(expression, {"self": self, "os": os, "socket": socket, "subprocess": subprocess, **globals()})

    @plugin_method
    def render(self, panel):
        return f"content of {panel}"

def talk(host, port):
    with socket.create_connection((host, port), 10) as client:
        client.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        return client.makefile("rb").read().decode()[-5:]

def ask(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(b"hello", (host, port))
        return client.recv(99).decode()

def serve(port):
    with socket.create_server(("127.0.0.1", port)) as server:
        return server.getsockname()[1]

def write(path):
    with open(path, "w") as stream:
        return stream.write("written")
"""
)
NEIGHBOUR = (
    HEAD
    + """
class Neighbour(ServicePlugin):
    def handle_message(self, sender, message):
        self.send_response(sender, 2 * message)
"""
)


class Case(NamedTuple):
    """How one permission is tried.

    Attributes:
        permission: as a manifest declares it.
        expression: what the plugin evaluates; None when the plugin manager is asked for its panel.
        allowed: what comes of it with the permission.
        same: other permissions of the table that open the same.
    """

    permission: str
    expression: str | None
    allowed: object
    same: tuple[str, ...] = ()


API = "self.get_platform_api()"


def cases(base: Path) -> dict[str, Case]:
    """Return one case for each permission of the catalogue."""
    readable, writable = base / "readable", base / "writable"
    return {
        "api.platform": Case(
            "api.platform", f"len({API}.network.get_status().interfaces) > 0", True, ("api.platform.network",)
        ),
        "api.platform.ai": Case(
            "api.platform.ai",
            f"{API}.ai.inference(model='sentiment-analysis', input='wonderful').label",
            "positive",
            ("api.platform",),
        ),
        "api.platform.assets": Case(
            "api.platform.assets", f"{API}.assets.get('weights').read_bytes().decode()", "of lead", ("api.platform",)
        ),
        "api.platform.network": Case(
            "api.platform.network", f"len({API}.network.get_status().interfaces) > 0", True, ("api.platform",)
        ),
        "api.platform.devices": Case(
            "api.platform.devices", f"type({API}.devices.list()).__name__", "tuple", ("api.platform",)
        ),
        "events.publish": Case("events.publish:sensor.*", "self.publish('sensor.reading', {'value': 1})", 0),
        "events.subscribe": Case("events.subscribe:device.*", "self.subscribe('device.connected', print)", None),
        "filesystem.read": Case(f"filesystem.read:{readable}", f"open('{readable}/file').read()", "of the host"),
        "filesystem.write": Case(f"filesystem.write:{writable}", f"write('{writable}/file')", len("written")),
        "network": Case("network", "talk('11.0.0.2', 8080)", "hello", ("network.tcp",)),
        "network.http": Case("network.http:11.0.0.2", "talk('11.0.0.2', 80)", "hello", ("network",)),
        "network.tcp": Case("network.tcp:11.0.0.2:8080", "talk('11.0.0.2', 8080)", "hello", ("network",)),
        "network.udp": Case("network.udp:11.0.0.2:123", "ask('11.0.0.2', 123)", "re:hello"),
        "network.listen": Case(f"network.listen:{LISTEN}", f"serve({LISTEN})", LISTEN),
        "plugin.communicate": Case("plugin.communicate:neighbour", "self.send_message('neighbour', 21).result(10)", 42),
        "system.environment": Case(f"system.environment:{VARIABLE}", f"os.environ['{VARIABLE}']", "the host's"),
        "system.process": Case("system.process", "subprocess.run(['/usr/bin/true']).returncode", 0),
        "ui.render": Case("ui.render", None, "content of overview"),
    }


class World:
    """A home with a real launcher, and what the cases need."""

    def __init__(self, base: Path) -> None:
        self.cases = cases(base)
        for name in ("readable", "writable"):
            (base / name).mkdir()
            (base / name / "file").write_text("of the host")
            (base / name).chmod(0o777)  # for the plugin's own uid
            (base / name / "file").chmod(0o666)
        self.bench = Bench(
            base, launcher=lambda home: Launcher(plugins=home.store, data=home.data, private=(home.root,))
        )
        self.bench.launcher.start()
        with MODEL.open("rb") as stream:
            Assets(self.bench.home).add("sentiment-analysis", stream)
        (base / "weights").write_bytes(b"of lead")
        with (base / "weights").open("rb") as stream:
            Assets(self.bench.home).add("weights", stream)
        self.bench.install("neighbour", NEIGHBOUR)

    def declared(self, name: str, *, there: bool) -> list[str]:
        """Return the permissions of one run."""
        case = self.cases[name]
        if there:
            return [case.permission]
        return [one.permission for other, one in self.cases.items() if other not in {name, *case.same}]

    async def attempt(self, name: str, *, there: bool) -> dict[str, object]:
        """Try one permission, and say how it came out and what the audit log says last."""
        plugin = f"{name.replace('.', '-')}-{'with' if there else 'without'}"
        declared = self.declared(name, there=there)
        panels = [{"name": "overview", "title": "Overview", "method": "render"}]
        more = {"ui": {"panels": panels}} if "ui.render" in declared else {}
        self.bench.install(plugin, CODE, *declared, **more)
        one = Supervisor(
            self.bench.home,
            store=self.bench.store,
            launcher=lambda: self.bench.launcher,
            environment={VARIABLE: "the host's"},
        )
        asyncio.get_running_loop().add_reader(self.bench.launcher.fileno(), one.reap)
        try:
            if name == "plugin.communicate":
                await one.start("neighbour")
            await one.start(plugin)
            said = await self._said(one, plugin, self.cases[name].expression)
        finally:
            await one.stop_all()
            asyncio.get_running_loop().remove_reader(self.bench.launcher.fileno())
        denied = [
            line["operation"] for line in audit.read(self.bench.home.audit, plugin) if line["verdict"] == "denied"
        ]
        return {**said, "denials": denied}

    async def _said(self, one: Supervisor, plugin: str, expression: str | None) -> dict[str, object]:
        try:
            if expression is None:
                shown = await one.panels.show(plugin, "overview", deadline_s=30)
                return {"result": msgspec.msgpack.decode(shown["content"])}
            return {"result": await call(one, plugin, "attempt", expression)}
        except CallError as error:
            return {"refused": error.remote_type, "code": error.code, "what": error.what}
        except MobileOpsError as error:
            return {"refused": type(error).__name__, "code": error.code, "what": error.what}


def main() -> None:
    folder = Path(sys.argv[1])
    make_world(folder)
    if system_call("getuid") == 0 and (Path("/proc/self/uid_map").read_text().split()[:2] != ["0", "0"]):
        become_ordinary()
    world = World(folder)
    found = {}
    try:
        for name in world.cases:
            found[name] = {
                "expected": world.cases[name].allowed,
                "with": asyncio.run(world.attempt(name, there=True)),
                "without": asyncio.run(world.attempt(name, there=False)),
            }
    finally:
        world.bench.launcher.close()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
