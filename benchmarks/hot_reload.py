"""Calls that are lost while a plugin is reloaded again and again: 8 callers, a real sandbox, 60 seconds.

Every caller has a connection of its own and calls without a pause; meanwhile the plugin is replaced by a new process
as fast as that goes. Printed are calls, reloads, lost calls, and how long calls took while reloads were under way.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from mobileops.errors import MobileOpsError
from mobileops.runtime.home import Home
from mobileops.runtime.manager.client import connect_or_start, default_program
from mobileops.runtime.store import Store
from mobileops.runtime.trust import TrustPolicy, verify
from mobileops.toolchain.pack import pack
from mobileops.toolchain.sign import LocalInstance, LocalSigner, sign_bundle

CALLERS = 8
SECONDS = 60.0
CODE = """\
import os
from mobileops.plugin import ServicePlugin, plugin_method

class Reloaded(ServicePlugin):
    @plugin_method
    def pid(self, value=None):
        return os.getpid()
"""


def install(home: Home, workshop: Path, *, name: str = "reloaded", code: str = CODE, **manifest: object) -> None:
    """Make, sign and install the plugin."""
    source = workshop / name
    source.mkdir(parents=True)
    document = {"name": name, "version": "1.0.0", "description": "For a benchmark", "author": "Benchmarks"}
    document |= {"license": "MIT", "type": "service", "entry_point": "main.py", "permissions": []}
    document |= manifest
    (source / "plugin.json").write_text(json.dumps(document))
    (source / "main.py").write_text(code)
    packed = pack(source, workshop / "dist")
    sign_bundle(packed.path, signer=LocalSigner(LocalInstance.open_or_create(home.sigstore), "author@localhost"))
    policy = TrustPolicy.load(home.trust_policy, local_root=home.sigstore / "trusted_root.json")
    store = Store(home)
    store.install(
        packed.path,
        verify=lambda bundle, signature: verify(bundle, policy=policy, pins=store.pins(), signature=signature),
    )


class Caller(threading.Thread):
    """Calls until told to stop."""

    def __init__(self, home: Home, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self._home = home
        self._over = over
        self.times: list[float] = []
        self.lost: list[str] = []

    def run(self) -> None:
        """Call; a call that fails for whatever reason is lost."""
        client = connect_or_start(self._home, program=default_program(self._home))
        while not self._over.is_set():
            begin = time.perf_counter()
            try:
                client.ask("call", name="reloaded", method="pid", args=[])
            except MobileOpsError as error:
                self.lost.append(str(error))
            self.times.append(time.perf_counter() - begin)
        client.close()


def measure(home: Home, seconds: float) -> dict[str, float]:
    """Reload under load."""
    client = connect_or_start(home, program=default_program(home))
    try:
        client.ask("start", name="reloaded")
        over = threading.Event()
        callers = [Caller(home, over) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        reloads, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            begin = time.perf_counter()
            client.ask("reload", name="reloaded")
            reloads.append(time.perf_counter() - begin)
        over.set()
        for caller in callers:
            caller.join()
    finally:
        client.shut_down()
        client.close()
    times = sorted(one for caller in callers for one in caller.times)
    for message in sorted({text for caller in callers for text in caller.lost}):
        sys.stderr.write(f"lost: {message}\n")
    return {
        "seconds": seconds,
        "calls": len(times),
        "lost": sum(len(caller.lost) for caller in callers),
        "reloads": len(reloads),
        "reload_median_ms": statistics.median(reloads) * 1000,
        "call_median_ms": statistics.median(times) * 1000,
        "call_p99_ms": times[int(len(times) * 0.99)] * 1000,
        "call_longest_ms": times[-1] * 1000,
    }


def main() -> int:
    """Measure and print; 1 if a call was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        home = Home(base / "home").prepare()
        install(home, base / "workshop")
        results = measure(home, options.seconds)
    for key, value in results.items():
        print(f"{key:>17}: {value:,.1f}" if isinstance(value, float) else f"{key:>17}: {value:,}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))
    return 1 if results["lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
