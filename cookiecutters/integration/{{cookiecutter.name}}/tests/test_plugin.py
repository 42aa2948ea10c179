"""Run with `mobileops test`, and with `mobileops test --sandboxed` in the real sandbox."""

from __future__ import annotations

import unittest
from unittest import mock

from mobileops.plugin.testing import PluginTestCase


class Test{{ cookiecutter.__class_name }}(PluginTestCase):
    """What its callers see, in this process or in its sandbox. No external system is asked."""

    def test_it_connects(self) -> None:
        """A system that is down stops no start."""
        plugin = self.load_plugin("{{ cookiecutter.name }}")
        self.assertTrue(plugin.initialize())
        plugin.connect()
        self.assertTrue(plugin.get_status()["connected"])


class TestInside(PluginTestCase):
    """With a stand-in for the external system, which takes a look inside: never in the sandbox."""

    sandboxed = False

    def setUp(self) -> None:
        """Load the plugin from the folder above and make it ready."""
        self.plugin = self.load_plugin("{{ cookiecutter.name }}")
        self.assertTrue(self.plugin.initialize())

    def answer(self, content: bytes) -> None:
        """Connect to a stand-in for the external system."""
        self.plugin.connect()
        self.enterContext(mock.patch.object(self.plugin.remote, "fetch", return_value=content))

    def test_a_synchronisation_keeps_the_items(self) -> None:
        """What the external system lists is there afterwards."""
        self.answer(b'[{"id": 1}, {"id": 2}]')
        self.assertEqual(self.plugin.sync_data(), {"status": "success", "items": 2})
        self.assertEqual(self.plugin.items, [{"id": 1}, {"id": 2}])

    def test_connecting_and_disconnecting_show_in_the_status(self) -> None:
        """Nothing is exchanged after the end."""
        self.plugin.connect()
        self.assertTrue(self.plugin.get_status()["connected"])
        self.plugin.disconnect()
        self.assertFalse(self.plugin.get_status()["connected"])
        with self.assertRaisesRegex(RuntimeError, "not connected"):
            self.plugin.sync_data()

    def test_error_handling(self) -> None:
        """An answer that is no list leaves the items as they were."""
        self.answer(b'{"error": "busy"}')
        with self.assertRaisesRegex(ValueError, "not dict"):
            self.plugin.sync_data()
        self.assertEqual(self.plugin.items, [])


if __name__ == "__main__":
    unittest.main()
