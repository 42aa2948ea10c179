"""``mobileops status``: the state of one plugin or of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import asdict

from mobileops.cli.commands._manager import brief, installed, states, wait
from mobileops.cli.glance import status_rows, table
from mobileops.errors import MobileOpsError, UsageError
from mobileops.runtime.manager.client import connect
from mobileops.runtime.receipts import Receipts
from mobileops.runtime.store.autostart import Autostart

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


STATES: Final = ("starting", "running", "degraded", "stopping", "stopped", "failed", "quarantined")


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name", nargs="?")
    parser.add_argument("--detailed", action="store_true", help="permissions, signer, health and methods too")
    parser.add_argument(
        "--wait", choices=STATES, metavar="STATE", help=f"wait until the plugin is {', '.join(STATES)}; exit 1 if not"
    )
    parser.add_argument(
        "--timeout", type=float, default=30.0, metavar="SECONDS", help="how long --wait waits (default: 30)"
    )
    parser.json_option()
    parser.example("mobileops status my-plugin --detailed")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the state; exit 0 whenever it could be told, and as it was waited for."""
    home = console.home()
    shelf = Receipts(home)
    receipts = [installed(home, arguments.name)] if arguments.name else shelf.all()
    if arguments.wait:
        if not arguments.name:
            raise UsageError(
                "--wait needs the name of a plugin", code="MOP7003", fix="mobileops status NAME --wait=running"
            )
        wait(home, receipts[0].name, state=arguments.wait, timeout_s=arguments.timeout)
    state = states(home, [receipt.name for receipt in receipts])
    rows = status_rows(map(asdict, receipts), brief(state))
    for receipt, row in zip(receipts, rows, strict=True):
        if arguments.detailed:
            manifest = shelf.manifest(receipt)
            row |= {
                "installed": receipt.version,
                "enabled": Autostart(home).has(receipt.name),
                "methods": state[receipt.name]["methods"],
                "isolation": state[receipt.name]["isolation"],
                "not_enforced": state[receipt.name]["not_enforced"],
                "debug": state[receipt.name]["debug"],
                "health": _health(console, receipt.name) if row["state"] in {"running", "degraded"} else None,
                "permissions": [str(permission) for permission in manifest.permissions],
                "signer": receipt.signer,
                "sha256": receipt.sha256,
                "installed_at": receipt.installed_at,
                "history": state[receipt.name]["history"],
            }
    _show(rows, arguments, console)
    return 0 if not arguments.wait or rows[0]["state"] == arguments.wait else 1


def _show(rows: list[dict[str, Any]], arguments: argparse.Namespace, console: Console) -> None:
    if arguments.json:
        console.json(rows[0] if arguments.name else rows)
    elif arguments.name or arguments.detailed:
        for at, row in enumerate(rows):
            if at:
                console.print("")
            console.fields({key: _text(value) for key, value in row.items()})
    elif rows:
        console.stdout.write(table(rows))
    else:
        console.note("nothing is installed")


def _text(value: Any) -> str:  # noqa: ANN401  plain values
    if isinstance(value, list):
        texts = [_text(item) for item in value]
        return ("; " if any("," in text for text in texts) else ", ").join(texts) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items() if item is not None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def _health(console: Console, name: str) -> Any:  # noqa: ANN401  the author's report
    client = connect(console.home())
    if client is None:
        return None
    try:
        report = client.ask("health", name=name)
    except MobileOpsError as error:
        return f"failed: {error.what}"
    finally:
        client.close()
    return "healthy" if report is None or report is True else "unhealthy" if report is False else report
