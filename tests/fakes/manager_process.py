"""A real plugin manager in a process of its own."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from mobileops.runtime.manager.client import Client, connect, default_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.runtime.home import Home


class ManagerProcess(NamedTuple):
    """A plugin manager that is ready, and a connection to it."""

    process: subprocess.Popen[bytes]
    client: Client


@contextmanager
def manager_process(home: Home) -> Iterator[ManagerProcess]:
    """Run the plugin manager of a home for the length of the block, and shut it down."""
    told, tells = os.pipe()
    command = [*default_program(home), "--ready-fd", str(tells)]
    with subprocess.Popen(command, pass_fds=(tells,), start_new_session=True) as process:
        os.close(tells)
        assert os.read(told, 100) == b"ready\n"
        os.close(told)
        client = connect(home)
        assert client is not None
        try:
            yield ManagerProcess(process, client)
        finally:
            if process.poll() is None:
                client.shut_down()
            client.close()
