"""Says whether a short text praises or blames."""

from __future__ import annotations

from typing import Any

from mobileops.plugin import ProcessingPlugin, plugin_method


class Sentiment(ProcessingPlugin):
    def initialize(self) -> None:
        self.model = self.load_model("sentiment-analysis")

    @plugin_method
    def analyze_sentiment(self, text: str) -> dict[str, Any]:
        prediction = self.model.predict(text)
        return {"sentiment": prediction.label, "confidence": prediction.confidence}


if __name__ == "__main__":
    Sentiment().run()
