"""The product, installed as a stranger would install it, and the accounts that use it.

As root every test runs twice: as root, and as an ordinary user who is made for it and removed afterwards. Otherwise
it runs once, as whoever runs the tests.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import uv

from tests.fakes.accounts import ordinary_user, python_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKOUT: Final = Path(__file__).resolve().parents[2]
ACCOUNTS: Final = ("root", "user") if os.geteuid() == 0 else ("user",)
TIMEOUT_S: Final = 120
REACH: Final = (
    "SSL_CERT_",
    "UV_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
)
"""How this machine reaches its package index; the rest of the environment is the account's own."""


@dataclasses.dataclass(frozen=True)
class Account:
    """Somebody with an empty home who runs `mobileops` in a folder of their own.

    Attributes:
        python: interpreter of the environment that the product is installed in.
        folder: working directory.
        identity: arguments of `subprocess` that make the child that somebody.
    """

    python: Path
    folder: Path
    identity: dict[str, Any]

    @property
    def is_user(self) -> bool:
        """Whether it is an ordinary user's."""
        return bool(self.identity) or os.geteuid() != 0

    @property
    def home(self) -> Path:
        """MOBILEOPS_HOME."""
        return self.folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        """A small environment without a terminal."""
        own = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "MOBILEOPS_HOME": str(self.home), "LANG": "C.UTF-8"}
        return own | {name: value for name, value in os.environ.items() if name.startswith(REACH)}

    def popen(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command."""
        environment = self.environment | options.pop("environment", {})
        command = [str(self.python.with_name("mobileops")), *words]
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, text=True, **self.identity, **{**streams, **options}
        )

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        with self.popen(*words, **options) as process:
            out, err = process.communicate(timeout=TIMEOUT_S)
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def ok(self, *words: str, **options: Any) -> str:
        """Run a command that must succeed and return its output."""
        done = self.run(*words, **options)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words: str) -> Any:
        """Run a command that must succeed and return its JSON output."""
        return json.loads(self.ok(*words))

    def script(self, text: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run lines of shell with the product on PATH."""
        environment = self.environment | {"PATH": f"{self.python.parent}:/usr/bin:/bin"}
        return subprocess.run(
            ["sh", "-euc", text],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            **self.identity,
            **options,
        )

    def give(self, path: Path) -> Path:
        """Make a path, and what is below it, this account's."""
        if self.identity:
            for one in (path, *path.rglob("*")):
                os.chown(one, self.identity["user"], self.identity["group"], follow_symlinks=False)
        return path


@pytest.fixture(scope="session")
def base() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mobileops-integration-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="session")
def ordinary() -> Iterator[dict[str, Any]]:
    """An ordinary user's identity."""
    with ordinary_user("integration") as identity:
        yield identity


@pytest.fixture(scope="session")
def common_python(ordinary: dict[str, Any]) -> Iterator[str]:
    """A Python that everybody can run."""
    with python_for(ordinary) as python:
        yield python


@pytest.fixture(scope="session")
def product(base: Path, common_python: str) -> Path:
    """Install both distributions, built from this checkout, where everybody can run them; return the interpreter."""
    environment = base / "environment"
    installer = [uv.find_uv_bin()]
    subprocess.run([*installer, "venv", "--quiet", "--python", common_python, str(environment)], check=True)
    python = environment / "bin" / "python"
    wanted = [f"{CHECKOUT / 'runtime_min'}[ai,debug,shell,sigstore]", str(CHECKOUT)]
    subprocess.run(
        [
            *installer,
            "pip",
            "install",
            "--quiet",
            "--no-sources",
            "--compile-bytecode",
            "--python",
            str(python),
            *wanted,
        ],
        check=True,
        cwd=base,
    )
    for path in environment.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    return python


@pytest.fixture(params=ACCOUNTS)
def account(request: pytest.FixtureRequest, base: Path, product: Path, ordinary: dict[str, Any]) -> Iterator[Account]:
    """An account in a fresh folder; its plugin manager is stopped afterwards."""
    identity = ordinary if request.param == "user" else {}
    folder = Path(tempfile.mkdtemp(dir=base))
    somebody = Account(product, folder, identity)
    somebody.give(folder)
    yield somebody
    somebody.run("daemon", "--stop")
    shutil.rmtree(folder)


@pytest.fixture
def installed(account: Account) -> Account:
    """An account with the service template built, signed and installed as my-plugin."""
    for words in (
        ("create-template", "my-plugin", "service"),
        ("package", "my-plugin"),
        ("sign", "my-plugin"),
        ("install", "my-plugin"),
    ):
        account.ok(*words)
    return account


def processes_of(home: Path) -> list[int]:
    """Return the processes whose command line names a home: its plugin managers."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(home).encode() in line:
                found.append(int(entry.name))
    return found


def wait_until(condition: Callable[[], bool], *, timeout_s: float = 60.0) -> None:
    """Wait for something that another process does.

    Raises:
        AssertionError: it did not happen in time.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def kill(pid: int) -> None:
    """SIGKILL a process that the test started."""
    os.kill(pid, signal.SIGKILL)
