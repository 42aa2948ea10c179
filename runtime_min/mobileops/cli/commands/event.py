"""``mobileops event``: send an event to the plugins that have subscribed to its topic, or see the events that come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mobileops.cli.commands._json_value import parse_value
from mobileops.cli.commands._manager import started
from mobileops.cli.layout import printable
from mobileops.errors import ManifestError, UsageError
from mobileops.manifest import Permission
from mobileops.runtime.manager.client import connect

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser

ACTIONS: Final = ("emit", "watch")
EVERYTHING: Final = "*"
OBJECT: Final = 'write an object, like \'{"device_id": "usb:1-1"}\''


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("action", choices=ACTIONS, help="send one event, or print those that come until interrupted")
    parser.add_argument(
        "topic", nargs="?", help="like device.connected; for watch also a pattern like 'device.*' (default: everything)"
    )
    parser.add_argument(
        "event", nargs="?", metavar="JSON", help="with emit: an object, - reads it from standard input (default: {})"
    )
    parser.add_argument("--count", type=int, metavar="N", help="with watch: end after N events")
    parser.json_option()
    parser.example(
        'mobileops event emit device.connected \'{"device_id": "usb:1-1"}\'',
        "mobileops event watch 'device.*' --count 1",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Do one of the two."""
    if arguments.action == "emit":
        return _emit(arguments, console)
    if arguments.event is not None:
        raise UsageError("'event watch' takes one pattern", code="MOP7003", fix="mobileops event --help")
    if arguments.count is not None and arguments.count < 1:
        raise UsageError(f"--count {arguments.count} is less than 1", code="MOP7003", fix="mobileops event --help")
    return _watch(arguments, console)


def _emit(arguments: argparse.Namespace, console: Console) -> int:
    if arguments.topic is None or arguments.count is not None:
        raise UsageError(
            "'event emit' takes a TOPIC and an optional JSON object", code="MOP7003", fix="mobileops event --help"
        )
    topic = _checked(arguments.topic, is_pattern=False)
    event = _event(console.stdin.read() if arguments.event == "-" else arguments.event)
    client = connect(console.home())
    plugins = 0
    if client is not None:
        try:
            plugins = client.ask("emit", topic=topic, event=event)
        finally:
            client.close()
    if arguments.json:
        console.json({"topic": topic, "plugins": plugins})
    else:
        console.print(f"{topic} was handed to {plugins} plugin{'' if plugins == 1 else 's'}")
    if client is None:
        console.note("the plugin manager does not run, so no plugin does")
    return 0


def _watch(arguments: argparse.Namespace, console: Console) -> int:
    pattern = _checked(arguments.topic or EVERYTHING, is_pattern=True)
    client = started(console.home())
    if not arguments.json:
        console.note(f"events of {pattern}, until interrupted" if not arguments.count else f"events of {pattern}")
    seen = 0
    try:
        for answer in client.answers("watch", pattern=pattern):
            _show(answer.body, arguments, console)
            seen += 1
            if seen == arguments.count:
                return 0
    finally:
        client.close()
    console.note("the plugin manager has stopped")
    return 1 if arguments.count else 0


def _show(event: Mapping[str, Any], arguments: argparse.Namespace, console: Console) -> None:
    if arguments.json:
        console.json_line(event)
        return
    if event["lost"]:
        console.note(f"{event['lost']} events were lost here: they came faster than they were read")
    text = printable(json.dumps(event["event"], ensure_ascii=False, default=repr))
    console.print(f"{event['time']} {event['topic']} from {event['from']}: {text}")
    console.stdout.flush()


def _checked(topic: str, *, is_pattern: bool) -> str:
    """Return a topic that plugins can subscribe to, or a pattern."""
    try:
        Permission.parse(f"events.subscribe:{topic}")
    except ManifestError as error:
        raise _malformed(topic) from error
    if not is_pattern and topic.endswith(EVERYTHING):
        raise _malformed(topic)
    return topic


def _malformed(topic: str) -> UsageError:
    return UsageError(
        f"{topic[:100]!r} is not a topic",
        code="MOP5323",
        why="a topic is dotted words of a-z, 0-9, - and _; 'watch' takes patterns too: all topics below one, or all",
        fix="write a topic like device.connected, or 'device.*' to watch all below it",
    )


def _event(text: str | None) -> dict[str, Any]:
    event = parse_value("{}" if text is None else text, fix=OBJECT)
    if not isinstance(event, dict):
        raise UsageError(f"{text!r} is not a JSON object", code="MOP7004", fix=OBJECT)
    return event
