from __future__ import annotations

import math
import unittest

from mobileops.plugin.testing import PluginTestCase

SETOSA = [5.1, 3.5, 1.4, 0.2]
VIRGINICA = [6.3, 3.3, 6.0, 2.5]


class TestDataProcessor(PluginTestCase):
    def setUp(self) -> None:
        self.plugin = self.load_plugin("data-processor")
        self.assertTrue(self.plugin.initialize())

    def test_one_flower_is_classified(self) -> None:
        result = self.plugin.process(SETOSA)
        self.assertEqual(result["output"], "setosa")
        self.assertEqual(result["input_shape"], [4])
        self.assertGreater(result["confidence"], 0.9)

    def test_several_flowers_are_classified_in_order(self) -> None:
        result = self.plugin.process([SETOSA, VIRGINICA])
        self.assertEqual(result["output"], ["setosa", "virginica"])
        self.assertEqual(result["input_shape"], [2, 4])

    def test_the_whole_data_set_is_evaluated(self) -> None:
        report = self.plugin.evaluate()
        self.assertEqual(report["rows"], 150)
        self.assertEqual(report["held_out_rows"], 75)
        self.assertGreaterEqual(report["accuracy"], 0.95)
        self.assertGreaterEqual(report["held_out_accuracy"], 0.93)

    def test_three_numbers_are_not_a_flower(self) -> None:
        with self.assertRaisesRegex(ValueError, "expected 4 numbers"):
            self.plugin.process([1.0, 2.0, 3.0])

    def test_a_length_must_be_finite(self) -> None:
        with self.assertRaisesRegex(ValueError, "finite"):
            self.plugin.process([math.nan, 1.0, 1.0, 1.0])

    def test_without_a_model_nothing_is_processed(self) -> None:
        self.plugin.model = None
        with self.assertRaisesRegex(RuntimeError, "Model not loaded"):
            self.plugin.process(SETOSA)

    def test_a_missing_model_stops_the_start(self) -> None:
        plugin = self.load_plugin("data-processor", settings={"model_path": "models/absent.json"})
        with self.assertRaises(FileNotFoundError):
            plugin.initialize()


if __name__ == "__main__":
    unittest.main()
