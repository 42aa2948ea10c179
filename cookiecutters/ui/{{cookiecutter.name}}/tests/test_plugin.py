"""Run with `mobileops test`, and with `mobileops test --sandboxed` in the real sandbox."""

from __future__ import annotations

import json
import unittest
from pathlib import Path

from mobileops.plugin.testing import PluginTestCase

MANIFEST = json.loads((Path(__file__).resolve().parents[1] / "plugin.json").read_text(encoding="utf-8"))


class Test{{ cookiecutter.__class_name }}(PluginTestCase):
    """Each test gets a fresh plugin: loaded in this process with a stand-in for the platform, or in its sandbox."""

    def setUp(self) -> None:
        """Load the plugin from the folder above and make it ready."""
        self.plugin = self.load_plugin("{{ cookiecutter.name }}")
        self.assertTrue(self.plugin.initialize())

    def test_the_overview_has_a_title_and_rows(self) -> None:
        """Every row is a label and a text."""
        panel = self.plugin.render("overview")
        self.assertEqual(panel["title"], "Overview")
        self.assertEqual(panel["rows"][0], {"label": "Version", "value": MANIFEST["version"]})

    def test_each_drawing_is_counted(self) -> None:
        """The panel changes from one refresh to the next."""
        counts = [self.plugin.render("overview")["rows"][-1]["value"] for _ in range(2)]
        self.assertEqual(counts, ["1", "2"])

    def test_error_handling(self) -> None:
        """A panel that plugin.json does not declare is refused with a reason."""
        with self.assertRaisesRegex(ValueError, "no panel 'settings'"):
            self.plugin.render("settings")


if __name__ == "__main__":
    unittest.main()
