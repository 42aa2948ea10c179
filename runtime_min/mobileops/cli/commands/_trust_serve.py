"""``mobileops trust serve``: the local signing instance over HTTP, for the stock ``sigstore`` program."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.runtime import durable
from mobileops.toolchain.sign import LocalInstance
from mobileops.toolchain.sign.serve import InstanceServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.cli.console import Console

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def serve(console: Console, *, identity: str | None, port: int, as_json: bool) -> int:
    """Serve until interrupted; say where the trust configuration and the identity token are.

    Args:
        console: where that is said.
        identity: whom the certificates name; default: USER@localhost.
        port: of loopback; 0 takes a free one.
        as_json: say it for programs.
    """
    home = console.home()
    instance = LocalInstance.open_or_create(home.sigstore)
    # Blocked before any thread is made: then all of them leave these signals to sigwait.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        named = identity or f"{getpass.getuser()}@localhost"
        with InstanceServer(instance, identity=named, port=port) as server, _published(server, home.run) as folder:
            _tell(console, server, folder, as_json=as_json)
            thread = threading.Thread(target=server.serve_forever, name="trust-serve")
            thread.start()
            signal.sigwait(ENDING)
            server.shutdown()
            thread.join()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return 0


@contextlib.contextmanager
def _published(server: InstanceServer, run: Path) -> Iterator[Path]:
    """Keep trust configuration and token in a folder that only this account can open, as long as the server lives."""
    folder = Path(tempfile.mkdtemp(prefix="trust-serve-", dir=run))  # mode 0700
    try:
        durable.write(folder / "trust_config.json", server.trust_config_json())
        durable.write(folder / "token", server.mint.token.encode())
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tell(console: Console, server: InstanceServer, folder: Path, *, as_json: bool) -> None:
    facts = {
        "url": server.url,
        "identity": server.mint.identity,
        "issuer": server.endpoints.instance.issuer,
        "trust_config": str(folder / "trust_config.json"),
        "token": str(folder / "token"),
        "pid": os.getpid(),
    }
    if as_json:
        console.json(facts)
    else:
        console.fields(facts)
        config, token = facts["trust_config"], facts["token"]
        console.note("what signs a file with it:")
        console.stderr.write(f'sigstore --trust-config {config} sign --identity-token "$(cat {token})" FILE\n')
        console.note("serving this account until interrupted (Ctrl-C)")
    console.stdout.flush()
