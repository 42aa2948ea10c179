"""The plugin manager's folder, and what lies where in it.

::

    MOBILEOPS_HOME/             0700
    ├── plugins/                sources that authors work on (the mission's /var/lib/mobileops/plugins)
    ├── store/NAME/             installed plugins: current.json, VERSION-DIGEST/, its signature and table of bytecode
    ├── journal.json            a change of several files that is committed and not finished; usually absent
    ├── data/NAME/              what a plugin writes; /data inside its sandbox
    ├── assets/                 models and other large files for plugins: index.json, sha256/DIGEST
    ├── logs/NAME.jsonl         structured logs
    ├── config/NAME.json        what the operator set; NAME.secrets.json beside it
    ├── audit/NAME.SOURCE.jsonl what was decided about a plugin's permissions, by SOURCE
    ├── run/                    daemon.sock, locks
    ├── sigstore/               the local Sigstore instance
    ├── keys/                   signing keys, NAME.key and NAME.pub; absent until the first is made
    ├── staging/                half-made installs; swept
    ├── autostart.json          plugins that are started with the plugin manager; absent = none
    ├── metrics.json            where metrics are served; absent = nowhere
    ├── isolation.json          what the operator demands of isolation; absent = the default
    ├── verdicts/               bundles that were verified, each entry authenticated
    ├── trust.json              the trust policy; absent = the default
    ├── trust-state.json        the highest serial of a policy that was used
    ├── trust-log.jsonl         what 'trust rotate' forgot, and why
    ├── roots/                  root and key files that 'trust add' copied
    ├── public-root.json        the root that 'trust update' fetched; absent = the one that ships
    ├── tuf/                    what 'trust update' has verified so far
    ├── repository/             the local plugin repository, made by the first 'publish'; may be served as it is
    ├── repository-keys/        keys that sign repositories, KEYID.pem; absent until the first is made
    ├── repositories.json       plugin repositories of this host; absent = the local one alone
    ├── repositories/NAME/      what this host has verified of a repository: root, metadata, search index
    └── pins.json               trust on first use: the signer of each installed name
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

from mobileops.errors import HostFault, RefusedError

SYSTEM_HOME: Final = Path("/var/lib/mobileops")
_OTHERS_WRITE: Final = 0o022

_MODES: Final = {
    "plugins": 0o755,
    "store": 0o755,
    "data": 0o711,
    "assets": 0o755,
    "assets/sha256": 0o755,
    "logs": 0o700,
    "audit": 0o700,
    "config": 0o700,
    "run": 0o700,
    "staging": 0o700,
    "verdicts": 0o700,
}
"""store and data let unprivileged plugin uids pass; the 0700 home above them keeps other accounts of the host out."""


def default_root(environment: dict[str, str], *, uid: int) -> Path:
    """Return where the home is.

    It is MOBILEOPS_HOME, else /var/lib/mobileops for root, else in the user's data folder (XDG Base Directory).

    Args:
        environment: the process environment, passed in because library modules do not read it.
        uid: the effective user id.
    """
    named = environment.get("MOBILEOPS_HOME")
    if named:
        path = Path(named)
        return path.resolve() if ".." in path.parts else path.absolute()  # the sandbox takes no path that goes up
    if uid == 0:
        return SYSTEM_HOME
    data_home = environment.get("XDG_DATA_HOME") or str(Path(environment.get("HOME", "/")) / ".local" / "share")
    return Path(data_home) / "mobileops"


class Home(NamedTuple):
    """The folder and the paths below it."""

    root: Path

    @property
    def sources(self) -> Path:
        """Folders that authors work in."""
        return self.root / "plugins"

    @property
    def store(self) -> Path:
        """Installed plugins."""
        return self.root / "store"

    @property
    def data(self) -> Path:
        """Plugins' own data, one folder each."""
        return self.root / "data"

    @property
    def assets(self) -> Path:
        """Files for plugins that no bundle carries."""
        return self.root / "assets"

    @property
    def asset_contents(self) -> Path:
        """The part of them that plugins see; without symbolic links, as what is mounted must be."""
        return self.assets.resolve() / "sha256"

    @property
    def logs(self) -> Path:
        """Structured logs, one file per plugin."""
        return self.root / "logs"

    @property
    def audit(self) -> Path:
        """What was decided about plugins' permissions."""
        return self.root / "audit"

    @property
    def settings(self) -> Path:
        """What the operator set for plugins."""
        return self.root / "config"

    @property
    def run(self) -> Path:
        """Sockets and locks."""
        return self.root / "run"

    @property
    def staging(self) -> Path:
        """Half-made installs."""
        return self.root / "staging"

    @property
    def sigstore(self) -> Path:
        """The local Sigstore instance."""
        return self.root / "sigstore"

    @property
    def keys(self) -> Path:
        """Signing keys."""
        return self.root / "keys"

    @property
    def trust_policy(self) -> Path:
        """The operator's trust policy."""
        return self.root / "trust.json"

    @property
    def autostart(self) -> Path:
        """Plugins that are started with the plugin manager."""
        return self.root / "autostart.json"

    @property
    def isolation_settings(self) -> Path:
        """What the operator demands of isolation."""
        return self.root / "isolation.json"

    @property
    def metrics_settings(self) -> Path:
        """Where metrics are served."""
        return self.root / "metrics.json"

    @property
    def trust_state(self) -> Path:
        """The highest serial of a trust policy that was used."""
        return self.root / "trust-state.json"

    @property
    def trust_log(self) -> Path:
        """Changes of pinned signers, and their reasons."""
        return self.root / "trust-log.jsonl"

    @property
    def public_root(self) -> Path:
        """The refreshed root of the public Sigstore."""
        return self.root / "public-root.json"

    @property
    def roots(self) -> Path:
        """Root and key files that 'trust add' copied; absent until the first."""
        return self.root / "roots"

    @property
    def tuf(self) -> Path:
        """Metadata of the repository that the public root comes from."""
        return self.root / "tuf"

    @property
    def repository(self) -> Path:
        """The local plugin repository."""
        return self.root / "repository"

    @property
    def repository_keys(self) -> Path:
        """Keys that sign repositories."""
        return self.root / "repository-keys"

    @property
    def repositories_file(self) -> Path:
        """Which plugin repositories this host uses."""
        return self.root / "repositories.json"

    @property
    def repositories(self) -> Path:
        """What this host has verified of each plugin repository."""
        return self.root / "repositories"

    @property
    def verdicts(self) -> Path:
        """Bundles that were verified."""
        return self.root / "verdicts"

    @property
    def pins(self) -> Path:
        """Signers pinned on first use."""
        return self.root / "pins.json"

    def prepare(self) -> Home:
        """Make the folders that are missing and return this home.

        Raises:
            HostFault: they cannot be made.
            RefusedError: ``MOP8005``, another account may write the home, or this one may write another's.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._refuse_strangers()
            for name, mode in _MODES.items():
                folder = self.root / name
                if not folder.is_dir():
                    folder.mkdir(exist_ok=True)
                    folder.chmod(mode)  # not mkdir's mode: the umask must not keep plugin uids out
        except OSError as error:
            raise HostFault(
                f"cannot prepare {str(self.root)!r}: {error.strerror}",
                code="MOP8001",
                where=str(error.filename or self.root),
                fix="set MOBILEOPS_HOME to a folder that this account may write",
            ) from error
        return self

    def _refuse_strangers(self) -> None:
        """Make sure that who may write here is who decides here, as sshd's StrictModes does for ~/.ssh.

        A home of another account that this one can only read is no danger to it, and may be looked at. Whose home root
        uses is not judged: it is what somebody who administers other accounts names.

        Raises:
            RefusedError: ``MOP8005``, as `prepare`.
        """
        found, uid = self.root.stat(), os.geteuid()
        folders = [path for name in ("", *_MODES) if (path := self.root / name).is_dir()]
        if found.st_mode & _OTHERS_WRITE:
            what = f"other accounts may write the home folder: its mode is {found.st_mode & 0o7777:04o}"
            fix = f"look at what is in it, then: chmod go-w {self.root}"
        elif uid and found.st_uid not in {0, uid} and any(os.access(one, os.W_OK) for one in folders):
            what = f"the home folder belongs to the account {found.st_uid}, and this is the account {uid}"
            fix = "set MOBILEOPS_HOME to a folder of this account, or run the command as that account"
        else:
            return
        raise RefusedError(
            what,
            code="MOP8005",
            where=str(self.root),
            why="whoever writes there decides what is installed, whom it trusts, and what runs as this account",
            fix=fix,
        )
