"""Find the data that ships with the toolchain: packaged in ``_data``, or in the checkout it runs from.

The build copies ``schema/`` and ``cookiecutters/`` of the checkout to ``mobileops/toolchain/_data`` (see
``[tool.hatch.build.targets.wheel.sources]`` in pyproject.toml); an editable install has no ``_data``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mobileops.errors import HostFault

_HERE: Final = Path(__file__).resolve().parent
_CHECKOUT_DEPTH: Final = 2
"""``toolchain/mobileops/toolchain`` is this many folders below the one beside ``schema/``."""


def schema_root(*, package: Path = _HERE) -> Path:
    """Return the folder that holds ``plugin/``, ``permissions/`` and ``examples/``.

    Raises:
        HostFault: the installation is incomplete (``MOP8011``).
    """
    return _find("schema", "plugin/v1/plugin.schema.json", package)


def cookiecutters_root(*, package: Path = _HERE) -> Path:
    """Return the folder that holds one template for each plugin type.

    Raises:
        HostFault: the installation is incomplete (``MOP8011``).
    """
    return _find("cookiecutters", "service/cookiecutter.json", package)


def _find(name: str, witness: str, package: Path) -> Path:
    """Return the first place of ``name`` where the file ``witness`` exists."""
    places = (package / "_data" / name, package.parents[_CHECKOUT_DEPTH] / name)
    for place in places:
        if (place / witness).is_file():
            return place
    raise HostFault(
        f"the toolchain's {name!r} folder is missing",
        code="MOP8011",
        where=str(places[0]),
        why=f"neither the package nor a checkout around it has {name}/{witness}",
        fix="install mobileops-toolchain again",
    )
