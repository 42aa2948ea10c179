"""Rules that hold for every test: no network for unit tests, no settings of the person who runs them."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import signal
import socket
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
OFFLINE = (HERE / "unit", HERE / "property")
PORTIONS = ("errors", "manifest", "bundle", "plugin", "runtime", "cli", "toolchain")

# These look at what a program imports, and measuring a program imports more.
UNMEASURED = {"test_nothing_heavy_is_imported_for_the_help"}

_offline = False

hypothesis.settings.register_profile("untimed", deadline=None)  # a busy machine is no defect of the code
hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--installed",
        action="store_true",
        help="refuse to run unless mobileops is imported from site-packages, not from the checkout",
    )


def pytest_configure(config: pytest.Config) -> None:
    # What a shell starts in the background ignores SIGINT, and so would the programs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--installed"):
        foreign = [place for place in map(_origin, PORTIONS) if not place.is_relative_to(_site_packages())]
        if foreign:
            listing = ", ".join(map(str, foreign))
            message = f"--installed: these are not imported from {_site_packages()}: {listing}"
            raise pytest.UsageError(message)


def pytest_report_header(config: pytest.Config) -> str | None:
    return f"mobileops: installed in {_site_packages()}" if config.getoption("--installed") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked ``root`` for an ordinary user, who cannot do what they try."""
    if os.geteuid() != 0:
        for item in items:
            if item.get_closest_marker("root"):
                item.add_marker(pytest.mark.skip(reason="needs uid 0"))


@pytest.fixture(scope="module")
def memory_folder() -> Iterator[Path]:
    """Return an empty folder, where the machine can in memory: flushing takes no time there."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="mobileops-", dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the MOBILEOPS_ variables of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("MOBILEOPS_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def own_imports(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start programs without coverage where their imports are what is tested."""
    if request.node.name in UNMEASURED:
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Refuse connections to other machines while a unit or property test runs."""
    global _offline  # noqa: PLW0603 (what guards sockets asks this switch)
    _offline = any(request.path.is_relative_to(folder) for folder in OFFLINE)
    yield
    _offline = False


def _site_packages() -> Path:
    return Path(sysconfig.get_path("purelib")).resolve()


def _origin(portion: str) -> Path:
    spec = importlib.util.find_spec(f"mobileops.{portion}")
    return Path(spec.origin).resolve() if spec and spec.origin else Path(f"(no mobileops.{portion})")


def _guard(name: str) -> None:
    """Have a method of sockets refuse other machines while `_offline`.

    An audit hook would see C code, too. But in Python 3.11 it lets two threads that begin under a trace function, as
    coverage installs it, end each other with "Cannot install a trace function while another [...]".
    """
    plain = getattr(socket.socket, name)

    def guarded(self: socket.socket, *arguments: Any) -> Any:
        if _offline and _is_remote(arguments[-1]):
            message = f"a unit test must not use the network: {name} {arguments[-1]!r}"
            raise RuntimeError(message)
        return plain(self, *arguments)

    setattr(socket.socket, name, guarded)


def _is_remote(address: object) -> bool:
    if not isinstance(address, tuple):  # a unix socket
        return False
    try:
        return not ipaddress.ip_address(address[0]).is_loopback
    except ValueError:  # a name
        return address[0] != "localhost"


for method in ("connect", "connect_ex", "sendto"):
    _guard(method)
