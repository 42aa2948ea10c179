"""``mobileops call``: call a method of a running plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobileops.cli.commands._json_value import parse_value
from mobileops.cli.commands._manager import installed, running
from mobileops.cli.suggestions import did_you_mean
from mobileops.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.add_argument("method")
    parser.add_argument(
        "argument",
        nargs="*",
        default=[],
        metavar="JSON",
        help="positional arguments, each a JSON value; - reads one from standard input",
    )
    parser.add_argument("--named", action="append", default=[], metavar="NAME=JSON", help="a named argument")
    parser.add_argument(
        "--queued",
        action="store_true",
        help="hand it to the plugin's get_pending_requests() instead of calling the method",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="wait this long for the answer, or for each value of a stream (default: 30)",
    )
    parser.example('mobileops call my-plugin process_data \'{"key": "value"}\'')


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Call it and print its result as JSON, or each of the values that it streams, as it comes."""
    home = console.home()
    name = installed(home, arguments.name).name
    args = [parse_value(console.stdin.read() if text == "-" else text) for text in arguments.argument]
    kwargs = dict(_named(text) for text in arguments.named)
    from mobileops.runtime.channel.rpc import Kind  # noqa: PLC0415  --help does not need it

    client = running(home, name)
    try:
        for answer in client.answers(
            "call",
            name=name,
            method=arguments.method,
            args=args,
            kwargs=kwargs,
            queued=arguments.queued,
            deadline_s=arguments.timeout,
        ):
            if answer.kind is Kind.ITEM:
                console.json_line(answer.body)
            else:
                console.json(answer.body)
    except NotFoundError as error:
        exported = client.ask("status", names=[name])[0]["methods"]
        error.fix = did_you_mean(arguments.method, exported) or error.fix
        raise
    finally:
        client.close()
    return 0


def _named(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise UsageError(f"{text!r} is not NAME=JSON", code="MOP7005", fix="write --named retries=3")
    return name, parse_value(value)
