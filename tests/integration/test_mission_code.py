"""Every Python block of the mission's text, as it is written there, in a real sandboxed process.

A block goes into a module of its own; the plugin's class is derived from the block's, and supplies the names that the
text leaves to the author. The data processor runs in test_mission_text.py, with numpy vendored.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.runtime.launching import enforcement
from mobileops.runtime.launching.launcher import Launcher
from mobileops.runtime.platform.assets import Assets
from tests.fakes.mission import BLOCKS, block
from tests.fakes.together import Bench, call, until

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = "class MyServicePlugin(ServicePlugin):\n    def __init__"
SKELETONS = {
    "ServicePlugin": "class MyServicePlugin(ServicePlugin):\n    def initialize(self): pass",
    "ProcessingPlugin": "class MyProcessorPlugin(",
    "IntegrationPlugin": "class MyIntegrationPlugin(",
}
MESSAGES, PLATFORM, TESTING = "# Send message to another plugin", "# Access platform services", "PluginTestCase"
RELOADING, EVENTS = "class HotReloadablePlugin(", "class EventDrivenPlugin("
MODEL, DATABASE, NOTIFICATION = "class AIModelPlugin(", "class DatabasePlugin(", "class NotificationPlugin("
PROCESSOR = "class DataProcessorPlugin("
ALL = (
    SERVICE,
    *SKELETONS.values(),
    MESSAGES,
    PLATFORM,
    TESTING,
    RELOADING,
    EVENTS,
    MODEL,
    DATABASE,
    NOTIFICATION,
    PROCESSOR,
)
IMPORTS = "from mobileops.plugin import *\n"
MODEL_FILE = Path(__file__).resolve().parents[2] / "examples" / "sentiment" / "sentiment-analysis.onnx"


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="mobileops-mission-") as name:
        root = Path(name)
        root.chmod(0o755)
        bench = Bench(root, launcher=lambda home: enforcement.start(home, make=Launcher).launcher)
        assets = Assets(bench.home)
        for asset in ("sentiment-analysis", "model-weights"):
            with MODEL_FILE.open("rb") as stream:
                assets.add(asset, stream)
        yield bench
        bench.launcher.close()


def install(bench: Bench, name: str, code: str, *permissions: str, mission: str = "", **plugin: Any) -> None:
    files = {"mission.py": IMPORTS + mission}
    bench.install(
        name, IMPORTS + "from mission import *\n" + textwrap.dedent(code), *permissions, files=files, **plugin
    )


def drive(bench: Bench, name: str, *calls: tuple[Any, ...]) -> list[Any]:
    """Start a plugin, make calls, stop it; return what they gave."""

    async def scenario() -> list[Any]:
        async with bench.running(name) as one:
            return [await call(one, name, *words) for words in calls]

    return asyncio.run(scenario())


def indented(text: str, *, by: int) -> str:
    return textwrap.indent(text, " " * by)


def test_no_block_of_the_text_is_forgotten() -> None:
    assert len(BLOCKS) == 13
    assert sorted(map(block, ALL)) == sorted(BLOCKS)


def test_the_service_example_answers_calls_and_queued_requests(bench: Bench) -> None:
    mine = """
    class Mine(MyServicePlugin):
        def transform_data(self, data):
            return {"seen": data}
    """
    install(bench, "service-example", mine, mission=block(SERVICE))

    async def scenario() -> None:
        async with bench.running("service-example") as one:
            assert await call(one, "service-example", "process_data", 1) == {"status": "success", "result": {"seen": 1}}

            async def loops() -> bool:
                return (await call(one, "service-example", "get_status"))["running"]

            await until(loops)
            status = await call(one, "service-example", "get_status")
            assert (status["version"], status["uptime"] > 0) == ("1.0.0", True)
            body = {"args": [2], "kwargs": {}}
            assert await one.call("service-example", "process_data", body=body, queued=True) == {
                "status": "success",
                "result": {"seen": 2},
            }

    asyncio.run(scenario())


@pytest.mark.parametrize("base", SKELETONS)
def test_the_skeleton_of_each_base_class_runs(bench: Bench, base: str) -> None:
    original = SKELETONS[base].split()[1].partition("(")[0]
    kind = {"ServicePlugin": "service", "ProcessingPlugin": "processing", "IntegrationPlugin": "integration"}[base]
    mine = f"""
    class Mine({original}):
        @plugin_method
        def methods(self):
            names = ("health_check", "cleanup", "sync_data", "start", "disconnect")
            return [name for name in names if hasattr(self, name) and getattr(self, name)() is None]
    """
    install(bench, f"skeleton-{kind}", mine, mission=block(SKELETONS[base]), type=kind)
    (found,) = drive(bench, f"skeleton-{kind}", ("methods",))
    assert (
        found
        == {
            "service": ["health_check", "start"],
            "processing": ["health_check", "cleanup"],
            "integration": ["health_check", "sync_data", "disconnect"],
        }[kind]
    )


def test_messages_are_sent_received_and_answered_as_in_the_text(bench: Bench) -> None:
    sending, _marker, receiving = block(MESSAGES).partition("# Receive messages\n")
    sender = f"""
class Sender(ServicePlugin):
    @plugin_method
    def tell(self, input_data):
{indented(sending.replace("self.send_message", "reply = self.send_message"), by=8)}
        return reply.result(10)
"""
    receiver = f"""
class Receiver(ServicePlugin):
{indented(receiving, by=4)}
    def process(self, data):
        return ["processed", data]
"""
    install(bench, "sender", sender, "plugin.communicate")
    install(bench, "target-plugin", receiver)

    async def scenario() -> Any:
        async with bench.running("target-plugin", "sender") as one:
            return await call(one, "sender", "tell", [1, 2])

    assert asyncio.run(scenario()) == ["processed", [1, 2]]


def test_the_platform_api_answers_as_in_the_text(bench: Bench) -> None:
    code = f"""
class Mine(ServicePlugin):
    @plugin_method
    def use(self, text_data):
{indented(block(PLATFORM), by=8)}
        same = asset.open().read() == asset.read_bytes()
        return [ai_result.label, asset.size, same, network_info.online in (True, False)]
"""
    install(bench, "platform-example", code, "api.platform")
    assert drive(bench, "platform-example", ("use", "wonderful and easy")) == [
        ["positive", MODEL_FILE.stat().st_size, True, True]
    ]


@pytest.fixture
def tested(tmp_path: Path) -> Path:
    """The mission's service, and the mission's tests of it, as a plugin's folder."""
    from tests.fakes.plugin_folder import write_plugin  # noqa: PLC0415

    main = (
        IMPORTS
        + "from mission import MyServicePlugin\n"
        + textwrap.dedent("""
    class Mine(MyServicePlugin):
        def transform_data(self, data):
            if not isinstance(data, dict):
                raise ValueError("no mapping")
            return data
    """)
    )
    files = {"mission.py": IMPORTS + block(SERVICE), "tests/test_mission.py": "invalid_data = 5\n" + block(TESTING)}
    return write_plugin(tmp_path / "my-plugin", main, files=files)


def test_the_test_case_of_the_text_passes_under_unittest(tested: Path) -> None:
    words = [sys.executable, "-m", "unittest", "discover", "-s", "tests"]
    done = subprocess.run(words, cwd=tested, capture_output=True, text=True, check=False)
    assert "Ran 3 tests" in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr


def test_the_test_case_of_the_text_passes_in_a_real_sandboxed_process(tested: Path) -> None:
    where = tested / "tests" / "test_mission.py"
    proof = """
    def test_it_is_another_process(self):
        self.assertNotIn("main", __import__("sys").modules)
        self.assertEqual(type(self.plugin).__name__, "SandboxedPlugin")
        self.assertIsNot(self.plugin.get_status()["running"], None)
"""
    text = where.read_text().replace("    def test_initialization", proof + "\n    def test_initialization")
    where.write_text(text.replace("(PluginTestCase):", "(PluginTestCase):\n    sandboxed = True\n"))
    words = [sys.executable, "-m", "unittest", "discover", "-s", "tests"]
    done = subprocess.run(words, cwd=tested, capture_output=True, text=True, check=False)
    assert "Ran 4 tests" in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr


def test_the_plugin_that_can_be_reloaded_reloads(bench: Bench) -> None:
    mine = """
    import time

    class Mine(HotReloadablePlugin):
        steps = ()

        def initialize(self):
            self.steps += ("initialize",)

        def start(self):
            self.steps += ("start",)

        def stop_gracefully(self):
            self.steps += ("stop",)

        @plugin_method
        def again(self):
            while "start" not in self.steps:  # the first one, which runs while calls are served
                time.sleep(0.001)
            self.reload()
            return list(self.steps)
    """
    install(bench, "reloading", mine, mission=block(RELOADING))
    (steps,) = drive(bench, "reloading", ("again",))
    assert steps[-3:] == ["stop", "initialize", "start"]


def test_events_of_devices_and_models_reach_the_plugin_of_the_text(bench: Bench) -> None:
    install(bench, "events-example", "class Mine(EventDrivenPlugin): pass", "events.subscribe:*", mission=block(EVENTS))
    install(bench, "asking", "class A(ProcessingPlugin):\n    @plugin_method\n    def go(self):\n"
            "        return self.load_model('model-weights').name", "api.platform.ai", type="processing")  # fmt: skip

    async def scenario() -> None:
        async with bench.running("events-example", "asking") as one:
            one.events.emit("device.connected", {"device_id": "usb:1-1"})
            assert await call(one, "asking", "go") == "model-weights"

            async def heard() -> bool:
                from mobileops.runtime import logs  # noqa: PLC0415

                said = {record.message for record in logs.read(bench.home, plugin="events-example")}
                return {"Device connected: usb:1-1", "Model loaded: model-weights"} <= said

            await until(heard)

    asyncio.run(scenario())


def test_the_ai_example_runs_as_written(bench: Bench) -> None:
    install(
        bench,
        "ai-example",
        "class Mine(AIModelPlugin): pass",
        "api.platform.ai",
        mission=block(MODEL),
        type="processing",
    )
    praise, blame = drive(
        bench,
        "ai-example",
        ("analyze_sentiment", "I love it, wonderful and easy"),
        ("analyze_sentiment", "terrible, slow and useless"),
    )
    assert (praise["sentiment"], blame["sentiment"]) == ("positive", "negative")
    assert 0.5 < praise["confidence"] <= 1


def test_the_database_example_asks_a_database_in_its_own_folder(bench: Bench) -> None:
    mine = """
    import sqlite3

    class Cursor(sqlite3.Cursor):
        def execute(self, sql, params=None):
            return super().execute(sql, params or ())

    class Connection(sqlite3.Connection):
        def cursor(self):
            return super().cursor(Cursor)

    class Mine(DatabasePlugin):
        def create_connection(self, host, database):
            return sqlite3.connect(f"{host}/{database}", factory=Connection, check_same_thread=False)
    """
    configuration = {"host": "/data", "database": "mission.db"}
    install(bench, "database", mine, mission=block(DATABASE), type="integration", configuration=configuration)
    *_made, rows, one = drive(
        bench,
        "database",
        ("query", "create table t (a, b)"),
        ("query", "insert into t values (?, ?)", [1, "x"]),
        ("query", "select a, b from t"),
        ("query", "select b from t where a = ?", [1]),
    )
    assert (rows, one) == ([[1, "x"]], [["x"]])


def test_the_notification_example_sends_by_either_channel_and_refuses_others(bench: Bench) -> None:
    mine = """
    class Mine(NotificationPlugin):
        def send_email(self, recipient, message):
            return ["email", recipient, message]

        def send_sms(self, recipient, message):
            return ["sms", recipient, message]
    """
    install(bench, "notification", mine, mission=block(NOTIFICATION))
    assert drive(
        bench, "notification", ("send_notification", "me", "hello"), ("send_notification", "me", "hello", "sms")
    ) == [["email", "me", "hello"], ["sms", "me", "hello"]]
    with pytest.raises(Exception, match="Unsupported channel: pigeon"):
        drive(bench, "notification", ("send_notification", "me", "hello", "pigeon"))
