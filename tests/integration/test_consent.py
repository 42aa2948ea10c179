"""What an operator did not accept is denied in the real sandbox, whatever the manifest declares."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes.plugin_folder import write_plugin
from tests.integration.versions import install

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.conftest import Account

READER = """
    from mobileops.plugin import ServicePlugin, plugin_method

    class Reader(ServicePlugin):
        @plugin_method
        def read(self, path):
            return open(path).read()

        @plugin_method
        def emit(self):
            return self.publish("sensor.reading", {"value": 1})
"""
TOPIC = "events.publish:sensor.*"


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder of the host; not below /tmp, which the sandbox has its own of."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "file").write_text("of the host")
        yield folder


def test_what_was_not_accepted_is_denied_and_what_is_accepted_later_is_not(account: Account, shared: Path) -> None:
    account.give(shared)
    wider = [f"filesystem.read:{shared}", TOPIC]
    install(account, READER, name="reader")
    account.give(write_plugin(account.folder / "reader", READER, version="1.1.0", permissions=wider))
    for verb in ("package", "sign"):
        account.ok(verb, "reader")
    refused = account.run("install", "reader")
    assert (refused.returncode, "MOP6045" in refused.stderr) == (3, True)
    assert account.json("status", "reader", "--json")["version"] == "1.0.0"

    account.ok("install", "reader", "--keep-permissions")
    account.ok("start", "reader")
    assert account.json("status", "reader", "--json")["version"] == "1.1.0"
    read = account.run("call", "reader", "read", f'"{shared}/file"')
    assert read.returncode != 0
    assert "FileNotFoundError" in read.stderr or "PermissionError" in read.stderr
    emitted = account.run("call", "reader", "emit")
    assert emitted.returncode != 0
    assert "PermissionDenied" in emitted.stderr or "MOP4311" in emitted.stderr

    account.ok("install", "reader", "--accept-permissions")
    account.ok("reload", "reader")
    assert account.json("call", "reader", "read", f'"{shared}/file"') == "of the host"
    account.ok("call", "reader", "emit")
