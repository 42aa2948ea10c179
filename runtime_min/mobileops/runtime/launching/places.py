"""The plugin manager's side of granted paths: which host paths a start needs, opened as detached mounts."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import stat
from typing import TYPE_CHECKING, Final

from mobileops.errors import IsolationRefused
from mobileops.runtime.isolation import mounts, refusal, trees
from mobileops.runtime.isolation.child import MAX_PLACES
from mobileops.runtime.isolation.grants import Place
from mobileops.runtime.isolation.policy import Grant, is_own_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Folders of programs: they are there without a grant, and no grant makes them writable.
_PROGRAMS: Final = frozenset({"/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/usr"})


@dataclasses.dataclass(frozen=True, slots=True)
class Opened:
    """The grants of one start.

    Attributes:
        places: what the sandbox is told.
        trees: the detached mount of each place.
        hidden: the manager's own folders beneath a place.
        absent: granted paths that this host does not have.
    """

    places: tuple[Place, ...]
    trees: tuple[int, ...]
    hidden: tuple[str, ...]
    absent: tuple[str, ...]


class Places:
    """Opens the granted paths of plugins.

    Args:
        private: real paths of folders of the manager that no granted path may show.
        mounted: whether paths are mounted; without namespaces they are rules on the host's own file system.
    """

    def __init__(self, *, private: Sequence[str], mounted: bool = True) -> None:
        self._mounted = mounted
        self._private = tuple(sorted(private, key=len))
        self._requests: socket.socket | None = None

    def connect(self) -> socket.socket:
        """Return the other end for whoever clones mounts for an ordinary user; root does it without."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests = ours
        return theirs

    def close(self) -> None:
        """Forget the other end."""
        if self._requests is not None:
            self._requests.close()
            self._requests = None

    @contextlib.contextmanager
    def opened(self, grants: Sequence[Grant]) -> Iterator[Opened]:
        """Open the mounts of a start for as long as it takes to send them.

        Raises:
            IsolationRefused: a path holds a symbolic link, or is the manager's own (MOP4014).
        """
        places: list[Place] = []
        mounted: list[int] = []
        absent: list[str] = []
        try:
            for grant in _expanded(grants):
                if not grant.inside:
                    self._refuse_private(grant.path)
                try:
                    mounted.append(self._detach(grant))
                except FileNotFoundError:
                    absent.append(grant.path)
                    continue
                seen_at = grant.inside if grant.inside and self._mounted else grant.path
                places.append(Place(seen_at, read=grant.read, write=grant.write))
            hidden = self._hidden(places)
            if hidden and not self._mounted:  # a rule of Landlock has no exceptions beneath it
                self._refuse_private(hidden[0])
            yield Opened(tuple(places), tuple(mounted), hidden, tuple(absent))
        finally:
            for tree in mounted:
                os.close(tree)

    def _detach(self, grant: Grant) -> int:
        channel = None if os.geteuid() == 0 else self._requests
        try:
            if not self._mounted:
                return mounts.open_beneath("/", grant.path.lstrip("/"), directory=False)
            return trees.request(channel, grant.path, trees.attributes_of(grant))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise refusal.refused("grants", error.errno or 0, grant.path) from error

    def _refuse_private(self, path: str) -> None:
        for private in self._private:
            if path == private or path.startswith(f"{private}/"):
                raise IsolationRefused(
                    f"the granted path {path!r} belongs to the plugin manager",
                    code="MOP4014",
                    why=f"{private!r} holds other plugins and the manager's own keys and sockets",
                    fix="remove the permission from the manifest",
                )

    def _hidden(self, places: Sequence[Place]) -> tuple[str, ...]:
        """Return the private folders that a place would show; those inside another one are hidden with it."""
        shown = [path for path in self._private if any(path.startswith(f"{place.path}/") for place in places)]
        return tuple(
            path for path in shown if not any(path.startswith(f"{above}/") for above in shown if above != path)
        )


def _expanded(grants: Sequence[Grant]) -> list[Grant]:
    """Return the grants with "everywhere" as the top-level entries of this host."""
    asked = {grant.path: grant for grant in grants if grant.path not in _PROGRAMS}
    everywhere = asked.pop("/", None)
    if everywhere is not None:
        for entry in sorted(os.listdir("/")):  # noqa: PTH208 (names)
            path = f"/{entry}"
            if not is_own_place(path) and path not in _PROGRAMS and _can_be_entered(path):
                asked.setdefault(path, dataclasses.replace(everywhere, path=path))
    found = sorted(asked.values(), key=lambda grant: ((grant.inside or grant.path).count("/"), grant.path))
    if len(found) > MAX_PLACES:
        raise refusal.refused("request", 0, f"{len(found)} granted paths, at most {MAX_PLACES}")
    return found


def _can_be_entered(path: str) -> bool:
    """Whether a top-level entry is no link and, below a manager that is root, open to the plugin's own uid."""
    mode = os.lstat(path).st_mode
    return not stat.S_ISLNK(mode) and (os.geteuid() != 0 or not stat.S_ISDIR(mode) or bool(mode & stat.S_IXOTH))
