"""The two example plugins of the mission's text, as they are written there; `test_mission_shell` has its commands."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from onnx import TensorProto, helper

from tests.fakes.mission import block

if TYPE_CHECKING:
    from tests.integration.conftest import Account

SERVICE_EXAMPLE = '''
    #!/usr/bin/env python3
    """
    Example MobileOps Service Plugin
    """

    import json
    import time
    from mobileops.plugin import ServicePlugin, plugin_method

    class MyServicePlugin(ServicePlugin):
        def __init__(self):
            super().__init__(name="my-service-plugin")
            self.config = self.load_config()
            self.is_running = False

        def initialize(self):
            """Initialize plugin resources"""
            self.log("INFO", "Initializing My Service Plugin")
            # Initialize connections, load models, etc.
            return True

        def start(self):
            """Start plugin service"""
            self.log("INFO", "Starting My Service Plugin")
            self.is_running = True

            # Main service loop
            while self.is_running:
                try:
                    self.process_requests()
                    time.sleep(1)
                except Exception as e:
                    self.log("ERROR", f"Service error: {e}")
                    break

        def stop(self):
            """Stop plugin service"""
            self.log("INFO", "Stopping My Service Plugin")
            self.is_running = False

        @plugin_method
        def process_data(self, data):
            """Process incoming data"""
            # Custom processing logic
            processed_data = self.transform_data(data)
            return {
                "status": "success",
                "result": processed_data
            }

        @plugin_method
        def get_status(self):
            """Get plugin status"""
            return {
                "running": self.is_running,
                "version": self.version,
                "uptime": self.get_uptime()
            }

        def process_requests(self):
            """Process pending requests"""
            # Check for incoming requests
            requests = self.get_pending_requests()

            for request in requests:
                try:
                    result = self.handle_request(request)
                    self.send_response(request.id, result)
                except Exception as e:
                    self.log("ERROR", f"Request processing error: {e}")
                    self.send_error_response(request.id, str(e))

        def transform_data(self, data):  # the one name that the mission's text leaves to the author
            return {"seen": data}

    if __name__ == "__main__":
        plugin = MyServicePlugin()
        plugin.run()
'''

MANIFEST = """
{
    "name": "my-plugin",
    "version": "1.0.0",
    "description": "Example MobileOps plugin",
    "author": "Developer Name",
    "license": "MIT",
    "type": "service",
    "entry_point": "main.py",
    "dependencies": [],
    "permissions": [
        "network",
        "filesystem.read",
        "api.platform"
    ],
    "configuration": {
        "endpoint": "https://api.example.com",
        "timeout": 30,
        "retry_count": 3
    },
    "compatibility": {
        "platform_version": ">=1.0.0",
        "python_version": ">=3.8"
    },
    "hooks": {
        "pre_start": "hooks/pre_start.py",
        "post_start": "hooks/post_start.py",
        "pre_stop": "hooks/pre_stop.py"
    }
}
"""


def make(account: Account, files: dict[str, str], *, at: str = "my-plugin") -> None:
    for name, text in files.items():
        path = account.folder / at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip())
    account.give(account.folder / at)


def test_the_missions_service_plugin_runs_with_the_missions_manifest(account: Account) -> None:
    hook = "from pathlib import Path\nwith Path('/data/hooks').open('a') as f: f.write(__name__ + ' ')\n"
    hooks = {f"hooks/{name}.py": hook for name in ("pre_start", "post_start", "pre_stop")}
    make(account, {"plugin.json": MANIFEST, "main.py": SERVICE_EXAMPLE, **hooks})
    for words in (("package", "my-plugin"), ("sign", "my-plugin"), ("install", "my-plugin")):
        account.ok(*words)
    started = account.run("start", "my-plugin")
    assert started.returncode == 0, started.stderr
    assert account.json("call", "my-plugin", "process_data", '{"key": "value"}') == {
        "status": "success",
        "result": {"seen": {"key": "value"}},
    }
    status = account.json("call", "my-plugin", "get_status")
    assert (status["running"], status["version"], status["uptime"] > 0) == (True, "1.0.0", True)
    assert account.json("call", "my-plugin", "process_data", "[1]", "--queued")["result"] == {"seen": [1]}
    assert "stopped" in account.ok("stop", "my-plugin")
    logs = account.ok("logs", "my-plugin")
    assert "the code calls this plugin 'my-service-plugin', its manifest 'my-plugin'" in logs
    assert "Stopping My Service Plugin" in logs
    hooks_run = (account.home / "data" / "my-plugin" / "hooks").read_text().split()
    assert hooks_run == [f"mobileops_hook_{name}" for name in ("pre_start", "post_start", "pre_stop")]


def doubling_model() -> bytes:
    """Return an ONNX model that adds its input to itself."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", "columns"]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "doubling", values[:1], values[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def test_the_missions_processing_plugin_runs_with_numpy_vendored(account: Account) -> None:
    manifest = json.loads(MANIFEST) | {
        "name": "data-processor",
        "type": "processing",
        "dependencies": ["numpy"],
        "permissions": ["api.platform.ai"],
        "hooks": {},
    }
    manifest["configuration"] = {"model_path": "models/doubling.onnx"}
    files = {"plugin.json": json.dumps(manifest), "main.py": block("class DataProcessorPlugin(")}
    make(account, files, at="data-processor")
    model = account.folder / "data-processor" / "models" / "doubling.onnx"
    model.parent.mkdir()
    model.write_bytes(doubling_model())
    account.give(account.folder / "data-processor")
    for words in (
        ("lock", "data-processor"),
        ("package", "data-processor"),
        ("sign", "data-processor"),
        ("install", "data-processor"),
        ("start", "data-processor"),
    ):
        account.ok(*words)
    assert account.json("call", "data-processor", "process", "[[1, 2], [3, 4]]") == {
        "input_shape": [2, 2],
        "output": [[2, 4], [6, 8]],
        "confidence": 8.0,
    }


def test_the_example_with_real_data_runs_from_its_bundle(account: Account) -> None:
    source = Path(__file__).resolve().parents[2] / "examples" / "data-processor"
    for path in source.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and "dist" not in path.relative_to(source).parts:
            target = account.folder / "data-processor" / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    account.give(account.folder / "data-processor")
    for words in (
        ("validate", "data-processor"),
        ("package", "data-processor"),
        ("sign", "data-processor"),
        ("install", "data-processor"),
    ):
        account.ok(*words)
    (account.folder / "data-processor" / "main.py").write_text("raise SystemExit('the bundle counts, not the source')")
    account.ok("start", "data-processor")
    report = account.json("call", "data-processor", "evaluate")
    assert report["rows"] == 150
    assert report["accuracy"] > 0.9
    flower = account.json("call", "data-processor", "process", "[[5.1, 3.5, 1.4, 0.2]]")
    assert flower["input_shape"] == [1, 4]
    assert 0 < flower["confidence"] <= 1
