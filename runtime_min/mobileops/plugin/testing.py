"""Test a plugin: in the process of the test, without the sandbox and without a plugin manager; or the real thing.

::

    from mobileops.plugin.testing import PluginTestCase

    class TestMyPlugin(PluginTestCase):
        def setUp(self):
            self.plugin = self.load_plugin("my-plugin")

        def test_initialization(self):
            self.assertTrue(self.plugin.initialize())

With ``sandboxed = True`` in the class, ``load_plugin(…, sandboxed=True)`` or ``mobileops test --sandboxed`` the same
test drives a real process: the plugin is packaged, signed, verified, installed and started in its sandbox, by a plugin
manager that exists for the tests alone. What a test sees then is what a caller sees: see `mobileops.plugin.confined`.
Tests with pytest have the fixtures of `mobileops.plugin.fixtures`.
"""

from __future__ import annotations

import inspect
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mobileops.plugin.loader import Loader
from mobileops.plugin.local_host import LocalHost

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LocalHost", "PluginTestCase"]


class PluginTestCase(unittest.TestCase):
    """A unittest case that can load the plugin it tests.

    Attributes:
        sandboxed: True gives the plugin a process in its sandbox, False never does; None is as the run of the tests
            says (``mobileops test --sandboxed``), and in the process of the test when it says nothing.
        host: of the plugin that was loaded last.
    """

    sandboxed: ClassVar[bool | None] = None
    host: Any

    def load_plugin(
        self, name: str | Path, *, settings: Mapping[str, Any] | None = None, sandboxed: bool | None = None
    ) -> Any:  # noqa: ANN401  the author's own class, or what stands for it
        """Return the plugin, not yet initialised; what the platform is for it is in ``self.host``.

        Args:
            name: the plugin's name, or its folder. A name is looked for in the folders above the test file, then in
                and below the current directory.
            settings: operator settings on top of the defaults.
            sandboxed: instead of the class's own.

        Raises:
            NotFoundError: there is no such plugin folder.
            HostFault: it is to be sandboxed, and the toolchain is not installed here (MOP2601).
        """
        loader = Loader(Path(inspect.getfile(type(self))), clean_up=self.addCleanup)
        chosen = self.sandboxed if sandboxed is None else sandboxed
        try:
            return loader.load(name, settings=settings, sandboxed=chosen)
        finally:
            self.host = getattr(loader, "host", None)
