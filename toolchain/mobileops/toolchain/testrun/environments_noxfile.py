"""Make one environment for tests; see `mobileops.toolchain.testrun.environments`, which runs this with nox.

The arguments behind ``--`` are what is installed; none leaves the environment empty. Where it is, is written to a file:
nox shortens the name of its folder when the path is long.
"""

from __future__ import annotations

import os
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"


@nox.session(
    name=os.environ["MOBILEOPS_TEST_ENVIRONMENT"],
    python=os.environ["MOBILEOPS_TEST_PYTHON"],
    venv_backend="uv|virtualenv",
    reuse_venv=False,
)
def environment(session: nox.Session) -> None:
    """Install what runs tests."""
    Path(os.environ["MOBILEOPS_TEST_LOCATION"]).write_text(session.virtualenv.location, encoding="utf-8")
    if session.posargs:
        session.install(*session.posargs)
