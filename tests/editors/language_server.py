"""Clients of the editors' language services: JSON lines to a script of ours, and LSP over standard streams."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCHEMA = ROOT / "schema" / "plugin" / "v1" / "plugin.schema.json"
CURSOR = "\N{BROKEN BAR}"
DEADLINE_S = 60


def modules() -> Path:
    """Return the folder with node_modules: that of the nox session, or this one after ``npm ci``."""
    folder = Path(os.environ.get("EDITOR_SERVICES", HERE))
    assert (folder / "node_modules").is_dir(), f"run `npm ci` in {folder}"
    return folder


def position(text: str) -> tuple[str, dict[str, int]]:
    """Return a text without its cursor mark, and where the mark was."""
    before, mark, after = text.partition(CURSOR)
    assert mark
    return before + after, {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}


class JsonService:
    """VS Code's JSON language service in one version."""

    def __init__(self, package: str, configuration: Path = SCHEMA) -> None:
        command = ["node", "json_service.mjs", package, str(configuration)]
        self.process = subprocess.Popen(
            command, cwd=modules(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )

    def ask(self, what: str, text: str, **place: int) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"ask": what, "text": text, **place}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def messages(self, text: str) -> list[str]:
        """Return the sentences under the squiggles."""
        return [item["message"] for item in self.ask("diagnostics", text)]

    def completions(self, marked: str) -> list[dict[str, Any]]:
        """Return what is offered at the cursor."""
        text, place = position(marked)
        return self.ask("completion", text, **place)

    def hover(self, marked: str) -> str:
        """Return what is shown over the cursor."""
        text, place = position(marked)
        return shown((self.ask("hover", text, **place) or {}).get("contents"))

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(DEADLINE_S)
        assert self.process.stdout
        self.process.stdout.close()


class YamlServer:
    """The YAML language server, spoken to as an editor does (LSP 3.17, base protocol)."""

    def __init__(self, schemas: dict[str, Any] | None = None, root: Path = Path("/plugin")) -> None:
        self.root = root
        command = ["node", "node_modules/yaml-language-server/bin/yaml-language-server", "--stdio"]
        self.process = subprocess.Popen(command, cwd=modules(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.incoming: queue.Queue[dict[str, Any]] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.number = 0
        self.settings = {
            "yaml": {
                "schemas": schemas or {SCHEMA.as_uri(): "*.yaml"}, "schemaStore": {"enable": False},
                "validate": True, "completion": True, "hover": True,
            }
        }  # fmt: skip
        capabilities = {"workspace": {"configuration": True}, "textDocument": {"publishDiagnostics": {}}}
        folders = [{"uri": root.as_uri(), "name": root.name}]
        parameters = {"processId": None, "rootUri": root.as_uri(), "workspaceFolders": folders}
        self.request("initialize", {**parameters, "capabilities": capabilities})
        self.notify("initialized", {})
        self.notify("workspace/didChangeConfiguration", {"settings": self.settings})

    def messages(self, text: str) -> list[str]:
        """Return the sentences under the squiggles."""
        uri = self._open(text)
        while True:
            message = self._next()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri:
                return [item["message"] for item in message["params"]["diagnostics"]]

    def completions(self, marked: str) -> list[dict[str, Any]]:
        """Return what is offered at the cursor."""
        text, place = position(marked)
        found = self.request("textDocument/completion", {"textDocument": {"uri": self._open(text)}, "position": place})
        return found["items"] if isinstance(found, dict) else found

    def hover(self, marked: str) -> str:
        """Return what is shown over the cursor."""
        text, place = position(marked)
        found = self.request("textDocument/hover", {"textDocument": {"uri": self._open(text)}, "position": place})
        return shown((found or {}).get("contents"))

    def request(self, method: str, params: object) -> Any:
        """Send a request and return its result, answering what the server asks meanwhile."""
        self.number += 1
        wanted = self.number
        self._send({"id": wanted, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == wanted and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def close(self) -> None:
        """End the process as the protocol wants it."""
        self.request("shutdown", None)
        self.notify("exit", None)
        self.process.wait(DEADLINE_S)
        self.reader.join(DEADLINE_S)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream
            stream.close()

    def _open(self, text: str) -> str:
        self.number += 1
        uri = f"{self.root.as_uri()}/{self.number}/plugin.yaml"
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def _next(self) -> dict[str, Any]:
        message = self.incoming.get(timeout=DEADLINE_S)
        if "id" in message and "method" in message:
            items = message["params"].get("items", []) if message["method"] == "workspace/configuration" else []
            answer = [self.settings.get(item.get("section")) for item in items]
            self._send({"id": message["id"], "result": answer or None})
        return message

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def _read(self) -> None:
        assert self.process.stdout
        while header := self.process.stdout.readline():
            length = 0
            while header.strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                header = self.process.stdout.readline()
            self.incoming.put(json.loads(self.process.stdout.read(length)))


def shown(contents: Any) -> str:
    """Return the text of a hover, in each of the forms the protocol allows, without the escapes of Markdown."""
    parts = contents if isinstance(contents, list) else [contents or ""]
    text = "\n".join(part["value"] if isinstance(part, dict) else part for part in parts)
    return text.replace("\\", "").replace("&nbsp;", " ").replace("&#x20;", " ")
