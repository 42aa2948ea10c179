from __future__ import annotations

import unittest

from mobileops.plugin.testing import PluginTestCase


class TestSentiment(PluginTestCase):
    def setUp(self) -> None:
        self.plugin = self.load_plugin("sentiment")
        self.host.models["sentiment-analysis"] = lambda text: ("positive", 0.9) if "good" in text else ("negative", 0.7)
        self.plugin.initialize()

    def test_praise_is_positive(self) -> None:
        self.assertEqual(self.plugin.analyze_sentiment("good"), {"sentiment": "positive", "confidence": 0.9})

    def test_blame_is_negative(self) -> None:
        self.assertEqual(self.plugin.analyze_sentiment("bad")["sentiment"], "negative")


if __name__ == "__main__":
    unittest.main()
