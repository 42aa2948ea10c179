"""The names of the SDK that the rules look for in a plugin's files.

They are written down here because importing the SDK costs more than checking a small plugin; a test compares.
"""

from __future__ import annotations

from typing import Final

PACKAGE: Final = "mobileops"
MODULE: Final = "mobileops.plugin"
# Type in the manifest -> base class.
BASES: Final = {
    "service": "ServicePlugin",
    "processing": "ProcessingPlugin",
    "integration": "IntegrationPlugin",
    "ui": "UIPlugin",
}
CLASSES: Final = frozenset({"Plugin", *BASES.values()})
