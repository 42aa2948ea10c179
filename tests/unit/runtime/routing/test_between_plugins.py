"""Messages and events between plugins, through the supervisor, in real processes without the sandbox."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.errors import CallError, MobileOpsError
from mobileops.runtime import audit
from tests.fakes.together import Bench, call, until

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "from mobileops.plugin import ServicePlugin, plugin_method\n"
ANSWERING = (
    HEAD
    + """
class Answering(ServicePlugin):
    def handle_message(self, sender, message):
        if message["action"] == "double":
            self.send_response(sender, [str(sender), 2 * message["data"]])
        elif message["action"] == "twice":
            self.send_response(sender, 1)
            self.send_response(sender, 2)
        elif message["action"] == "fail":
            raise ValueError("as asked")
        elif message["action"] == "end":
            import os
            os._exit(3)
"""
)
ASKING = (
    HEAD
    + """
class Asking(ServicePlugin):
    @plugin_method
    def tell(self, target, message):
        return self.send_message(target, message).message_id

    @plugin_method
    def ask(self, target, message, timeout=10):
        return self.send_message(target, message).result(timeout)

    @plugin_method
    def steal(self, number):
        return self._host.ask("message.result", {"id": number, "timeout_s": 1})

    @plugin_method
    def forge(self, number):
        return self._host.ask("message.respond", {"id": number, "body": "forged"})

    @plugin_method
    def raw(self, operation, body):
        return self._host.ask(operation, body)
"""
)
LISTENING = (
    HEAD
    + """
class Listening(ServicePlugin):
    def initialize(self):
        self.heard = []
        self.subscribe("device.*", self.on_device)

    def on_device(self, event):
        if event.get("fail"):
            raise ValueError("as asked")
        self.heard.append(event["device_id"])

    @plugin_method
    def all_heard(self):
        return self.heard

    @plugin_method
    def listen(self, topic):
        self.subscribe(topic, self.on_device)

    @plugin_method
    def leave(self):
        self.unsubscribe("device.*")
"""
)
SPEAKING = (
    HEAD
    + """
class Speaking(ServicePlugin):
    @plugin_method
    def speak(self, topic, event):
        return self.publish(topic, event)
"""
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    yield bench
    bench.launcher.close()


def test_a_message_is_answered_and_the_sender_is_stamped(bench: Bench) -> None:
    bench.install("asking", ASKING, "plugin.communicate:answering")
    bench.install("answering", ANSWERING)

    async def scenario() -> None:
        async with bench.running("asking", "answering") as one:
            assert await call(one, "asking", "ask", "answering", {"action": "double", "data": 21}) == ["asking", 42]

    asyncio.run(scenario())


def test_a_message_without_the_permission_is_denied_and_written_down(bench: Bench) -> None:
    bench.install("asking", ASKING, "plugin.communicate:somebody-else")
    bench.install("answering", ANSWERING)

    async def scenario() -> None:
        async with bench.running("asking", "answering") as one:
            with pytest.raises(CallError, match="PermissionDenied") as caught:
                await call(one, "asking", "tell", "answering", {"action": "double", "data": 1})
            assert caught.value.code == "MOP4311"
        decisions = [line for line in audit.read(bench.home.audit, "asking") if line["operation"] != "start"]
        assert [(line["operation"], line["target"], line["verdict"]) for line in decisions] == [
            ("message.send", "answering", "denied")
        ]

    asyncio.run(scenario())


def test_what_is_allowed_is_written_down_once_a_run(bench: Bench) -> None:
    bench.install("asking", ASKING, "plugin.communicate")
    bench.install("answering", ANSWERING)

    async def scenario() -> None:
        async with bench.running("asking", "answering") as one:
            for _ in range(3):
                await call(one, "asking", "ask", "answering", {"action": "double", "data": 1})
        operations = [line["operation"] for line in audit.read(bench.home.audit, "asking")]
        assert operations == ["start", "message.send"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"action": "ignore"}, "MOP5308"),
        ({"action": "fail"}, "MOP5308"),
        ({"action": "end"}, "MOP5303"),
    ],
)
def test_no_response_is_an_error_that_says_why(bench: Bench, message: dict[str, str], code: str) -> None:
    bench.install("asking", ASKING, "plugin.communicate")
    bench.install("answering", ANSWERING)

    async def scenario() -> None:
        async with bench.running("asking", "answering") as one:
            with pytest.raises(CallError) as caught:
                await call(one, "asking", "ask", "answering", message, 0.5)
            assert caught.value.code == code

    asyncio.run(scenario())


def test_a_message_to_nobody_is_an_error_that_says_why(bench: Bench) -> None:
    bench.install("asking", ASKING, "plugin.communicate")
    bench.install("answering", ANSWERING)

    async def scenario() -> None:
        async with bench.running("asking") as one:
            for target, code in (("answering", "MOP5105"), ("no-such-plugin", "MOP6004")):
                with pytest.raises(CallError) as caught:
                    await call(one, "asking", "tell", target, {})
                assert caught.value.code == code

    asyncio.run(scenario())


def test_a_second_response_is_refused_and_logged_where_it_was_sent(bench: Bench) -> None:
    bench.install("asking", ASKING, "plugin.communicate")
    bench.install("answering", ANSWERING)

    async def scenario() -> None:
        async with bench.running("asking", "answering") as one:
            assert await call(one, "asking", "ask", "answering", {"action": "twice"}) == 1
        assert any("answered already" in line or "no message waits" in line for line in bench.errors("answering"))

    asyncio.run(scenario())


def test_nobody_else_can_take_or_give_a_response(bench: Bench) -> None:
    for name in ("asking", "stranger"):
        bench.install(name, ASKING, "plugin.communicate")
    bench.install("answering", ANSWERING)

    async def scenario() -> None:
        async with bench.running("asking", "answering", "stranger") as one:
            number = await call(one, "asking", "tell", "answering", {"action": "ignore"})
            for method, code in (("steal", "MOP5307"), ("forge", "MOP5305")):
                with pytest.raises(CallError) as caught:
                    await call(one, "stranger", method, number)
                assert caught.value.code == code

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("operation", "body", "code"),
    [
        ("no.such.operation", {}, "MOP5301"),
        ("message.send", [], "MOP5301"),
        ("message.send", {}, "MOP5302"),
        ("message.result", {"id": []}, "MOP5302"),
        ("event.publish", {"topic": 5, "event": {}}, "MOP5302"),
        ("event.publish", {"topic": "device.*", "event": {}}, "MOP5302"),
        ("event.publish", {"topic": "device.x", "event": 5}, "MOP5302"),
    ],
)
def test_a_request_of_the_plugins_own_making_is_data(bench: Bench, operation: str, body: Any, code: str) -> None:
    bench.install("asking", ASKING, "plugin.communicate", "events.publish:*")

    async def scenario() -> None:
        async with bench.running("asking") as one:
            with pytest.raises(CallError) as caught:
                await call(one, "asking", "raw", operation, body)
            assert caught.value.code == code
            assert one.describe("asking")["state"] == "running"

    asyncio.run(scenario())


def test_large_messages_and_events_arrive_whole_again_and_again(bench: Bench) -> None:
    bench.install("asking", ASKING, "plugin.communicate:answering")
    bench.install("answering", ANSWERING)
    bench.install("listening", LISTENING, "events.subscribe:device.*")
    bench.install("speaking", SPEAKING, "events.publish:*")

    async def scenario() -> None:
        async with bench.running("asking", "answering", "listening", "speaking") as one:
            for letter in "abcd":  # the first of them in their frames, the others through the arenas
                large = letter * 200_000
                answer = await call(one, "asking", "ask", "answering", {"action": "double", "data": large})
                assert answer == ["asking", 2 * large]
                await call(one, "speaking", "speak", "device.usb.added", {"device_id": large})
            assert await call(one, "listening", "all_heard") == [letter * 200_000 for letter in "abcd"]

    asyncio.run(scenario())


def test_an_event_reaches_those_whose_pattern_covers_it(bench: Bench) -> None:
    bench.install("listening", LISTENING, "events.subscribe:device.*")
    bench.install("speaking", SPEAKING, "events.publish:*")

    async def scenario() -> None:
        async with bench.running("listening", "speaking") as one:
            assert await call(one, "speaking", "speak", "device.usb.added", {"device_id": 1}) == 1
            assert await call(one, "speaking", "speak", "other.topic", {"device_id": 2}) == 0
            assert await call(one, "listening", "all_heard") == [1]
            await call(one, "listening", "leave")
            assert await call(one, "speaking", "speak", "device.usb.added", {"device_id": 3}) == 0

    asyncio.run(scenario())


def test_topics_that_are_not_declared_are_denied_both_ways(bench: Bench) -> None:
    bench.install("listening", LISTENING, "events.subscribe:device.*")
    bench.install("speaking", SPEAKING, "events.publish:device.added")

    async def scenario() -> None:
        async with bench.running("listening", "speaking") as one:
            for name, method, args in (("listening", "listen", ("*",)), ("speaking", "speak", ("device.gone", {}))):
                with pytest.raises(CallError) as caught:
                    await call(one, name, method, *args)
                assert caught.value.code == "MOP4311"

    asyncio.run(scenario())


def test_a_handler_that_fails_is_logged_and_the_next_event_comes(bench: Bench) -> None:
    bench.install("listening", LISTENING, "events.subscribe:device.*")

    async def scenario() -> None:
        async with bench.running("listening") as one:
            assert one.events.emit("device.x", {"fail": True}) == 1
            assert one.events.emit("device.x", {"device_id": 2}) == 1
            assert await call(one, "listening", "all_heard") == [2]
        assert any("handler" in line for line in bench.errors("listening"))

    asyncio.run(scenario())


def test_a_subscriber_that_ended_gets_nothing_and_one_that_started_again_does(bench: Bench) -> None:
    bench.install("listening", LISTENING, "events.subscribe:device.*")

    async def scenario() -> None:
        async with bench.running("listening") as one:
            await one.stop("listening")
            assert one.events.emit("device.x", {"device_id": 1}) == 0
            await one.start("listening")
            assert one.events.emit("device.x", {"device_id": 2}) == 1

    asyncio.run(scenario())


def test_a_subscriber_that_does_not_keep_up_loses_events_and_stalls_nobody(bench: Bench) -> None:
    slow = LISTENING.replace('event.get("fail")', 'event.get("hang") and __import__("time").sleep(3600)')
    bench.install("slow", slow, "events.subscribe:device.*")
    bench.install("listening", LISTENING, "events.subscribe:device.*")
    big = "x" * (1 << 20)

    async def scenario() -> None:
        async with bench.running("slow", "listening") as one:
            one.events.emit("device.x", {"device_id": 0, "hang": True})
            for number in range(1, 12):
                one.events.emit("device.x", {"device_id": number, "big": big})
                heard = range(number + 1)

                async def caught_up(expected: range = heard) -> bool:
                    return (await call(one, "listening", "all_heard"))[-1:] == [expected[-1]]

                await until(caught_up)
            one.roster.routes["slow"].kill()
        assert any("lost" in line for line in bench.errors("slow"))
        assert not any("lost" in line for line in bench.errors("listening"))

    asyncio.run(scenario())


def test_a_plugin_that_asks_too_much_at_once_is_ended(bench: Bench) -> None:
    flood = """
import threading
class Flood(ServicePlugin):
    @plugin_method
    def flood(self):
        from mobileops.runtime.channel.rpc import Frame, Kind
        number = self.send_message("flood", {}).message_id
        for at in range(1000, 1400):
            self._host.exchange.send(Frame(Kind.ASK, at, "message.result", {"id": number, "timeout_s": 60}))

    def handle_message(self, sender, message):
        pass
"""
    bench.install("flood", HEAD + flood, "plugin.communicate")

    async def scenario() -> None:
        async with bench.running("flood") as one:
            with pytest.raises(MobileOpsError):
                await asyncio.gather(*(call(one, "flood", "flood") for _ in range(2)))
            assert "MOP5008" in one.describe("flood")["cause"]

    asyncio.run(scenario())


def test_the_decisions_are_lines_of_json(bench: Bench) -> None:
    bench.install("speaking", SPEAKING, "events.publish:a")

    async def scenario() -> None:
        async with bench.running("speaking") as one:
            await call(one, "speaking", "speak", "a", {})
        _start, line = (bench.home.audit / "speaking.manager.jsonl").read_text().splitlines()
        assert json.loads(line)["permission"] == "events.publish:a"

    asyncio.run(scenario())
