"""A home, a plugin manager and a signing key that exist for one session.

::

    $TMPDIR/mobileops-run-*/            0700, locked by the session with flock(2)
    ├── development.pub                 the public half of the session's key; trust.json names it and nothing else
    ├── built/                          the newest bundle and its signature
    └── …                               what every home has (`mobileops.runtime.home`)

The private half of the key stays in this process. So nothing outside this home accepts what was signed here, and when
the session is over nothing can be signed like that again. The plugin manager ends with the session, whatever ended it:
its standard input is a pipe that this process holds open. The home is removed at the end; that of a session that was
killed is removed by the next one of the same account.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ed25519

from mobileops.errors import HostFault
from mobileops.manifest.json_text import canonical
from mobileops.runtime.home import Home
from mobileops.runtime.manager import client as clients
from mobileops.runtime.store import Store, signer_pins
from mobileops.runtime.trust import load_policy, verify
from mobileops.toolchain.pipeline import building
from mobileops.toolchain.sign import KeySigner, keys, sign_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.runtime.receipts import Receipt
    from mobileops.runtime.trust import VerifiedBundle

PREFIX: Final = "mobileops-run-"
ROOT: Final = "development"
KEY_FILE: Final = f"{ROOT}.pub"
BUILT: Final = "built"
SETTLED_S: Final = 60.0
"""A folder younger than this may belong to a session that has not locked it yet."""


class BenchGone(HostFault):
    """The plugin manager of a session has ended."""


class Workbench:
    """What one session builds with, installs into and runs; made by `opened`.

    Attributes:
        home: of this session alone.
    """

    def __init__(self, home: Home, signer: KeySigner, manager: clients.Client) -> None:
        self.home = home
        self._signer = signer
        self._manager = manager

    def install(self, source: Path, *, unless: str | None = None) -> Receipt | None:
        """Build a source folder that was validated, sign the bundle for this session, verify and install it.

        Args:
            source: the plugin's folder.
            unless: SHA-256 of a bundle; when this is what the source gives, nothing is installed.

        Returns:
            What is installed, None when nothing was.

        Raises:
            ManifestError, PackagingError: it cannot be built.
            RefusedError, HostFault: it cannot be installed.
        """
        packed = building.build(source, self.home.root / BUILT, choices=building.Choices(stored=True))
        try:
            if packed.sha256 == unless:
                return None
            sign_bundle(packed.path, signer=self._signer)
            return Store(self.home).install(packed.path, verify=self._verify)
        finally:
            for path in packed.path.parent.iterdir():
                path.unlink()

    def go_back(self, name: str) -> None:
        """Have the version before the newest one started from now on."""
        Store(self.home).rollback(name)

    def ask(self, verb: str, **body: Any) -> Any:  # noqa: ANN401  plain values
        """Ask the plugin manager.

        Raises:
            BenchGone: it has ended (MOP2703).
            MobileOpsError: whatever it answered.
        """
        try:
            return self._manager.ask(verb, **body)
        except (HostFault, OSError) as error:
            if isinstance(error, HostFault) and error.code != clients.ENDED:
                raise
            raise BenchGone(
                "the plugin manager of this run has ended",
                code="MOP2703",
                why="it was stopped or killed by somebody else, and every plugin with it",
                fix="repeat the command",
            ) from error

    def stop(self) -> None:
        """Stop the plugin manager and every plugin; once that has happened, nothing."""
        with suppress(HostFault, OSError):
            self._manager.shut_down()
        self._manager.close()

    def _verify(self, bundle: Path, signature: Path) -> VerifiedBundle:
        return verify(bundle, policy=load_policy(self.home), pins=signer_pins.load(self.home), signature=signature)


@contextmanager
def opened() -> Iterator[Workbench]:
    """Make a workbench for the length of the block, and leave nothing of it.

    Raises:
        HostFault: the folder cannot be made (MOP2702), or the plugin manager does not start.
    """
    sweep()
    with ExitStack() as stack:
        home = stack.enter_context(_home())
        signer = _trusted_signer(home)
        read_end, write_end = os.pipe()
        stack.enter_context(os.fdopen(write_end, "wb", buffering=0))
        try:
            program = (*clients.default_program(home), "--while-stdin")
            manager = clients.connect_or_start(home, program=program, stdin=read_end)
        finally:
            os.close(read_end)
        bench = Workbench(home, signer, manager)
        stack.callback(bench.stop)
        yield bench


def sweep() -> None:
    """Remove the folders of sessions of this account that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            status = folder.stat(follow_symlinks=False)
            if status.st_uid != os.geteuid() or time.time() - status.st_mtime < SETTLED_S:
                continue
            with _locked(folder):
                shutil.rmtree(folder)


@contextmanager
def _home() -> Iterator[Home]:
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    except OSError as error:
        raise HostFault(
            f"no folder for this run can be made: {error.strerror}",
            code="MOP2702",
            where=tempfile.gettempdir(),
            fix="free space there, or set TMPDIR to a folder that this account may write",
        ) from error
    with _locked(folder):
        try:
            yield Home(folder).prepare()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder; raise BlockingIOError when somebody else does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _trusted_signer(home: Home) -> KeySigner:
    """Make a key, and have this home trust it and nobody else."""
    key = ed25519.Ed25519PrivateKey.generate()
    (home.root / KEY_FILE).write_bytes(keys.public_pem(key.public_key()))
    policy = {"version": 1, "roots": {ROOT: {"keys": [KEY_FILE], "assurance": "key"}}}
    home.trust_policy.write_bytes(canonical(policy))
    (home.root / BUILT).mkdir()
    return KeySigner(key)
