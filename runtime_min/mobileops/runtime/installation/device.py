"""What this device is, as far as a plugin may ask for it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from mobileops.errors import PluginError
from mobileops.manifest import Version
from mobileops.runtime import PLATFORM_VERSION

if TYPE_CHECKING:
    from mobileops.runtime.repository.document import Candidate


class Device(NamedTuple):
    """What plugins are chosen for.

    Attributes:
        python: version of the Python that runs plugins.
        platform: tag of native code, such as ``linux_x86_64-cp311``.
        platform_version: of what plugins see.
    """

    python: Version
    platform: str
    platform_version: Version

    @classmethod
    def here(cls) -> Device:
        """Return this one."""
        major, minor, micro = sys.version_info[:3]
        tag = f"linux_{os.uname().machine}-cp{major}{minor}"
        return cls(Version(major, minor, micro), tag, Version.parse(PLATFORM_VERSION))

    def objection(self, candidate: Candidate) -> str | None:
        """Return why a version does not run here, None if it does."""
        if candidate.platform not in {None, self.platform}:
            return f"is for {candidate.platform}, this is {self.platform}"
        if candidate.python_version is not None and not candidate.python_version.contains(self.python):
            return f"needs Python {candidate.python_version}, here is {self.python}"
        if candidate.platform_version is not None and not candidate.platform_version.contains(self.platform_version):
            return f"needs the platform {candidate.platform_version}, here is {self.platform_version}"
        return None

    def refuse_unfit(self, candidate: Candidate) -> None:
        """Raise PluginError (``MOP6043``) unless a version runs here."""
        why = self.objection(candidate)
        if why is not None:
            raise PluginError(
                f"{candidate.name} {candidate.version} {why}",
                code="MOP6043",
                why="'compatibility' in plugin.json, or the native code in its bundle, says so",
                fix=f"install a version that fits: mobileops info {candidate.name}",
            )
