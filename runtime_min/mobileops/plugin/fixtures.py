"""Fixtures for tests of plugins with pytest.

``mobileops test`` has them loaded; where ``mobileops-runtime`` is installed, pytest finds them by itself.

::

    def test_data_processing(plugin):
        assert plugin.process_data({"key": "value"})["status"] == "success"

    def test_a_short_timeout(load_plugin):
        plugin = load_plugin(settings={"timeout_s": 0.1})

    def test_it_reports(plugin, plugin_host):
        plugin.process_data({})
        assert plugin_host.records[-1]["level"] == "WARNING"

=====================  ================================================================================================
``load_plugin``        a function ``(name=None, *, settings=None, sandboxed=None)``; no name is the plugin whose folder
                       holds the test
``plugin``             that plugin, not yet initialised
``plugin_host``        the platform of ``plugin``: `mobileops.plugin.local_host.LocalHost`, or in its sandbox
                       `mobileops.plugin.confined.SandboxHost`
``--mobileops-sandboxed``  an option of pytest: plugins get a process in their sandbox, unless a test says otherwise
=====================  ================================================================================================
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.plugin.loader import Loader


def pytest_addoption(parser: pytest.Parser) -> None:
    """Describe the options."""
    group = parser.getgroup("mobileops", "tests of MobileOps plugins")
    group.addoption(
        "--mobileops-sandboxed",
        action="store_true",
        help="give each plugin a real process in its sandbox, unless a test says otherwise",
    )
    group.addoption(
        "--mobileops-home",
        type=Path,
        metavar="FOLDER",
        help="for that, use the plugin manager's folder FOLDER, in which the plugin is installed",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Take the options over."""
    if config.getoption("--mobileops-sandboxed"):
        from mobileops.plugin import sandboxing  # noqa: PLC0415  pytest loads this file for every project

        sandboxing.use(sandboxed=True, home=config.getoption("--mobileops-home"))


@pytest.fixture
def plugin_loader(request: pytest.FixtureRequest) -> Loader:
    """Return what loads plugins for this test."""
    from mobileops.plugin.loader import Loader  # noqa: PLC0415  as above

    return Loader(request.path, clean_up=lambda act, *arguments: request.addfinalizer(lambda: act(*arguments)))


@pytest.fixture
def load_plugin(plugin_loader: Loader) -> Callable[..., Any]:
    """Return a function that loads a plugin, by default the one whose folder holds the test."""

    def load(
        name: str | Path | None = None, *, settings: Mapping[str, Any] | None = None, sandboxed: bool | None = None
    ) -> Any:  # noqa: ANN401  the author's own class, or what stands for it
        return plugin_loader.load(name, settings=settings, sandboxed=sandboxed)

    return load


@pytest.fixture
def plugin(load_plugin: Callable[..., Any]) -> Any:  # noqa: ANN401  as above
    """Return the plugin whose folder holds the test, not yet initialised."""
    return load_plugin()


@pytest.fixture
def plugin_host(plugin: Any, plugin_loader: Loader) -> Any:  # noqa: ANN401, ARG001  loaded first
    """Return the platform of the fixture ``plugin``."""
    return plugin_loader.host
