"""Run with `mobileops test`, and with `mobileops test --sandboxed` in the real sandbox."""

from __future__ import annotations

import json
import threading
import unittest
from pathlib import Path

from mobileops.plugin.testing import PluginTestCase

MANIFEST = json.loads((Path(__file__).resolve().parents[1] / "plugin.json").read_text(encoding="utf-8"))


class Test{{ cookiecutter.__class_name }}(PluginTestCase):
    """Each test gets a fresh plugin: loaded in this process with a stand-in for the platform, or in its sandbox."""

    def setUp(self) -> None:
        """Load the plugin from the folder above."""
        self.plugin = self.load_plugin("{{ cookiecutter.name }}")

    def test_initialization(self) -> None:
        """The plugin agrees to start."""
        self.assertTrue(self.plugin.initialize())

    def test_data_processing(self) -> None:
        """A record comes back tidied."""
        result = self.plugin.process_data({"key": " value ", "empty": ""})
        self.assertEqual(result, {"status": "success", "result": {"key": "value"}})

    def test_error_handling(self) -> None:
        """What is not a record is refused; in the sandbox by the platform, which reads the annotation."""
        with self.assertRaises((TypeError, ValueError)):
            self.plugin.process_data(["not", "a", "record"])

    def test_status(self) -> None:
        """The status names the version in plugin.json."""
        self.assertEqual(self.plugin.get_status()["version"], MANIFEST["version"])

    def test_stop_ends_the_service_promptly(self) -> None:
        """`start()` returns soon after `stop()`."""
        self.plugin.initialize()
        service = threading.Thread(target=self.plugin.start, daemon=True)
        service.start()
        self.plugin.stop()
        service.join(timeout=5)
        self.assertFalse(service.is_alive())


if __name__ == "__main__":
    unittest.main()
