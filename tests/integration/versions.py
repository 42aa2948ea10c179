"""Plugins in several versions for the tests of their life, and callers that never stop calling."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.fakes.plugin_folder import write_plugin
from tests.integration.conftest import TIMEOUT_S, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.conftest import Account

ECHO = """
    import os
    import time
    from mobileops.plugin import ServicePlugin, plugin_method

    class Echo(ServicePlugin):
        @plugin_method
        def which(self):
            return self.version

        @plugin_method
        def slow(self, seconds):
            self.log("INFO", f"busy for {seconds} s")
            time.sleep(seconds)
            return self.version

        @plugin_method
        def crash(self):
            os._exit(7)
"""
#: Calls `which` from four threads over one connection each until a file appears; prints what came of it.
CALLERS = """
import json, sys, threading, time
from pathlib import Path
from mobileops.errors import MobileOpsError
from mobileops.runtime.home import Home
from mobileops.runtime.manager.client import connect

home, end, answers, errors = Home(Path(sys.argv[1])), Path(sys.argv[2]), [], []

def keep_calling():
    client = connect(home)
    while not end.exists():
        try:
            answers.append(client.ask("call", name="echo", method="which"))
        except MobileOpsError as error:
            errors.append(str(error))
    client.close()

threads = [threading.Thread(target=keep_calling) for _ in range(4)]
for thread in threads:
    thread.start()
print("calling", flush=True)
for thread in threads:
    thread.join()
print(json.dumps({"calls": len(answers), "versions": sorted(set(answers)), "errors": errors}))
"""


def install(account: Account, code: str = ECHO, *, name: str = "echo", **plugin: Any) -> None:
    """Write, package, sign and install a plugin."""
    account.give(write_plugin(account.folder / name, code, **plugin))
    for words in (("package", name), ("sign", name), ("install", name)):
        account.ok(*words)


@contextmanager
def under_load(account: Account) -> Iterator[dict[str, Any]]:
    """Have four callers call without a pause for the length of the block; what came of it is in the mapping then."""
    end = account.folder / "enough"
    words = [str(account.python), "-c", CALLERS, str(account.home), str(end)]
    found: dict[str, Any] = {}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, **account.identity) as callers:
        assert callers.stdout is not None
        assert callers.stdout.readline() == "calling\n"
        try:
            yield found
        finally:
            end.touch()
            out, _err = callers.communicate(timeout=TIMEOUT_S)
        found.update(json.loads(out))


def await_cause(account: Account, words: str, *, name: str = "echo") -> dict[str, Any]:
    """Wait until the cause of a plugin's state contains some words; return how it is."""
    found: dict[str, Any] = {}

    def there() -> bool:
        found.update(account.json("status", name, "--json"))
        return words in found["cause"]

    wait_until(there, timeout_s=60)
    return found


@contextmanager
def daemon(account: Account, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run the plugin manager in the foreground, as a service manager does."""
    with account.popen("daemon", "--no-idle-exit", *words, environment=environment) as process:
        try:
            wait_until((account.home / "run" / "daemon.sock").exists)
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=TIMEOUT_S)
