"""Run with `mobileops test`, and with `mobileops test --sandboxed` in the real sandbox."""

from __future__ import annotations

import unittest

from mobileops.plugin.testing import PluginTestCase


class Test{{ cookiecutter.__class_name }}(PluginTestCase):
    """Each test gets a fresh plugin: loaded in this process with a stand-in for the platform, or in its sandbox."""

    def setUp(self) -> None:
        """Load the plugin from the folder above and make it ready."""
        self.plugin = self.load_plugin("{{ cookiecutter.name }}")
        self.assertTrue(self.plugin.initialize())

    def test_data_processing(self) -> None:
        """The output has mean 0 and keeps the order of the input."""
        result = self.plugin.process([1, 2, 3])
        self.assertEqual(result["mean"], 2.0)
        self.assertEqual(result["output"], [-1.224745, 0.0, 1.224745])

    def test_equal_values_do_not_divide_by_zero(self) -> None:
        """A list without spread is all zeros."""
        self.assertEqual(self.plugin.process([5, 5])["output"], [0.0, 0.0])

    def test_error_handling(self) -> None:
        """What cannot be processed is refused; in the sandbox in part by the platform, which reads the annotation."""
        for invalid_data in ([], ["one"], [True], [float("nan")], "123"):
            with self.subTest(invalid_data), self.assertRaises((TypeError, ValueError)):
                self.plugin.process(invalid_data)


if __name__ == "__main__":
    unittest.main()
