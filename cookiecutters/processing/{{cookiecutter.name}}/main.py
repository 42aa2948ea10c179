#!/usr/bin/env python3
"""{{ cookiecutter.description.rstrip('.') | replace('\\', '\\\\') | replace('"', '\\"') }}.

The platform makes one {{ cookiecutter.__class_name }} and calls `initialize()` once; after that, callers reach every method
marked `@plugin_method`. `cleanup()` is the last call.
"""

from __future__ import annotations

from typing import Any

from mobileops.plugin import ProcessingPlugin, plugin_method

from lib.scaling import mean, standardise


class {{ cookiecutter.__class_name }}(ProcessingPlugin):
    """Put a list of numbers on a common scale: mean 0, standard deviation 1."""

    def __init__(self) -> None:
        """Set plain attributes; whatever takes time belongs in `initialize()`."""
        super().__init__(name="{{ cookiecutter.name }}")

    def initialize(self) -> bool:
        """Prepare to process. Load a model here, if you have one; return False to refuse to start."""
        self.log("INFO", "Initialized {{ cookiecutter.name }}")
        return True

    @plugin_method
    def process(self, input_data: list[float]) -> dict[str, Any]:
        """Process one list of numbers: change this, it is what the plugin is for.

        Raises:
            ValueError: `input_data` is not a list of finite numbers. The caller sees this message.
        """
        values = self.preprocess(input_data)
        return {
            "input_shape": [len(values)],
            "mean": mean(values),
            "output": self.postprocess(standardise(values)),
        }

    def preprocess(self, data: list[float]) -> list[float]:
        """Turn what the caller sent into what the algorithm needs."""
        if not isinstance(data, list) or not all(type(value) in (int, float) for value in data):
            message = "input_data is a list of numbers"
            raise ValueError(message)
        return [float(value) for value in data]

    def postprocess(self, result: list[float]) -> list[float]:
        """Turn the algorithm's result into what the caller can read."""
        return [round(value, self.config["digits"]) for value in result]

    def cleanup(self) -> None:
        """Give back what `initialize()` took."""


if __name__ == "__main__":
    {{ cookiecutter.__class_name }}().run()
