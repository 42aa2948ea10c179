"""A local instance served on loopback, for tests that sign over HTTP."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mobileops.toolchain.sign.serve import InstanceServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.sign import LocalInstance


@contextmanager
def serving(instance: LocalInstance, **options: Any) -> Iterator[InstanceServer]:
    """Serve an instance for the length of the block."""
    with InstanceServer(instance, **{"identity": "dev@localhost", **options}) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
