"""The steps of the quickstart, each a real command run as a person would run it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.errors import MobileOpsError, PackagingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NAME: Final = "hello-mobileops"
FOLDER: Final = "mobileops-quickstart"
SECRET: Final = "a secret of this account"  # noqa: S105  the file that the plugin must not be able to read
STEP_TIMEOUT_S: Final = 120
_HERE: Final = Path(__file__).parent


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        says: what it does, for the heading.
        words: the arguments after ``mobileops``.
        expects: text that its output must contain; a quickstart that only looks fine would prove nothing.
    """

    says: str
    words: tuple[str, ...]
    expects: str = ""


class Quickstart:
    """One run in one new folder."""

    def __init__(self, parent: Path, *, show: Callable[[str], None], environment: Mapping[str, str]) -> None:
        """Choose the folder.

        Args:
            parent: where the new folder goes.
            show: prints one line for a person.
            environment: for the commands; MOBILEOPS_HOME is replaced.
        """
        self.folder = _free(parent)
        self._show = show
        self._environment = {**environment, "MOBILEOPS_HOME": str(self.folder / "home")}

    def run(self) -> None:
        """Run every step; the first that does not do what it must ends the run.

        Raises:
            MobileOpsError: a step failed; what was started is stopped again.
        """
        self.folder.mkdir(parents=True)
        secret = self.folder / "secret.txt"
        secret.write_text(SECRET, encoding="utf-8")
        self._show(f"Everything happens in {self.folder}; to repeat a command by hand, first type:")
        self._show(f"$ cd {self.folder}")
        self._show("$ export MOBILEOPS_HOME=$PWD/home")
        if shutil.which("mobileops", path=self._environment.get("PATH", os.defpath)) is None:
            self._show(f"$ export PATH={_quoted(str(Path(sys.executable).parent))}:$PATH")
        try:
            with _listening() as port:
                self._scaffold()
                for step in self._steps(secret, port):
                    self._do(step)
        finally:
            self._quietly("daemon", "--stop")
        self._show(f"\nDone: template to a verified, sandboxed process. Remove it all with: rm -r {self.folder}")

    def _scaffold(self) -> None:
        self._do(Step("Make a service plugin from the template", ("create-template", NAME, "service")))
        source = self.folder / NAME
        shutil.copyfile(_HERE / "demo_plugin.py", source / "main.py")
        for old in (source / "tests").glob("test_*.py"):
            old.unlink()
        shutil.copyfile(_HERE / "demo_test.py", source / "tests" / "test_plugin.py")
        self._show(
            "  (main.py and its test were then replaced by a greeter that also tries two things it never declared)"
        )

    def _steps(self, secret: Path, port: int) -> Iterator[Step]:
        yield Step("Check everything that can be checked without running it", ("validate", NAME))
        yield Step("Run the plugin's own tests", ("test", NAME))
        yield Step("Build the reproducible bundle", ("package", NAME), "sha256")
        yield Step("Sign it with this account's local Sigstore instance (no network)", ("sign", NAME), "local")
        yield Step("Decide whether it is trusted", ("verify", NAME), "trusted")
        yield Step("Install it: strict read, verify, stage, rename", ("install", f"{NAME}.zip"), "installed")
        yield Step("Start it in its sandbox", ("start", NAME), "is running")
        yield Step("Call a method", ("call", NAME, "greet", '"world"'), "Hello, world!")
        self._show(f"\n# This account can read {secret.name} and connect to port {port}: {_control(secret, port)}.")
        self._show("# The plugin declared neither.")
        yield Step("An undeclared read is refused", ("call", NAME, "try_to_read", json.dumps(str(secret))), "refused: ")
        yield Step(
            "An undeclared connection is refused",
            ("call", NAME, "try_to_connect", '"127.0.0.1"', str(port)),
            "refused: ",
        )
        yield Step("Look at its state", ("status", NAME), "running")
        yield Step("Look at its log", ("logs", NAME), "greeted")
        yield Step("Stop it", ("stop", NAME), "stopped")

    def _do(self, step: Step) -> None:
        self._show(f"\n# {step.says}")
        self._show(f"$ mobileops {' '.join(_quoted(word) for word in step.words)}")
        done = self._command(*step.words)
        for line in done.stdout.splitlines():
            self._show(f"  {line}")
        if done.returncode != 0 or step.expects not in done.stdout:
            raise PackagingError(
                f"the step 'mobileops {' '.join(step.words)}' did not do what it must (exit {done.returncode})",
                code="MOP7110",
                where=str(self.folder),
                why="its output is above",
                fix="mobileops doctor says what this host can enforce; the folder is kept for a look",
            )

    def _command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  our own interpreter and module
            [sys.executable, "-I", "-m", "mobileops.cli.main", *words],
            cwd=self.folder,
            env=dict(self._environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=STEP_TIMEOUT_S,
            check=False,
        )

    def _quietly(self, *words: str) -> None:
        with contextlib.suppress(subprocess.SubprocessError, MobileOpsError):
            self._command(*words)


def _free(parent: Path) -> Path:
    """Return the first of mobileops-quickstart, mobileops-quickstart-2, … that is not there yet."""
    number = 1
    while (folder := parent / (FOLDER if number == 1 else f"{FOLDER}-{number}")).exists():
        number += 1
    return folder


@contextlib.contextmanager
def _listening() -> Iterator[int]:
    """Listen on a loopback port for the length of the block."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def _control(secret: Path, port: int) -> str:
    """Do from here what the plugin will be refused; without this the refusals would prove nothing.

    Raises:
        OSError: this account cannot do it either.
    """
    if secret.read_text(encoding="utf-8") != SECRET or not os.access(secret, os.R_OK):
        raise PermissionError(str(secret))
    socket.create_connection(("127.0.0.1", port), timeout=2).close()
    return "tried just now, both work"


def _quoted(word: str) -> str:
    return f"'{word}'" if not word or set(word) & set(" \"'$&|;<>()*?[]{}~`\\") else word
