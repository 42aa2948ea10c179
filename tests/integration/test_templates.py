"""Every template, from the command line to a call in the real sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mobileops.toolchain import scaffold

if TYPE_CHECKING:
    from tests.integration.conftest import Account

CALLS = {
    "service": ("get_status", (), "running"),
    "processing": ("process", ("[1, 2]",), "output"),
    "ui": ("render", ('"overview"',), "rows"),
    "integration": ("get_status", (), "connected"),
}


@pytest.mark.parametrize("plugin_type", scaffold.templates())
def test_a_new_plugin_is_valid_tested_reproducible_and_runs_in_the_sandbox(account: Account, plugin_type: str) -> None:
    account.ok("init")
    account.ok("create-template", "my-plugin", plugin_type)
    assert account.ok("validate", "my-plugin") == ""
    account.ok("test", "my-plugin")
    if account.is_user:
        account.ok("test", "my-plugin", "--sandboxed")
    digests = [account.json("package", "my-plugin", "--json")["sha256"] for _ in range(2)]
    assert digests[0] == digests[1]
    account.ok("sign", "my-plugin")
    account.ok("install", "my-plugin")
    assert account.json("start", "my-plugin", "--json")["state"] == "running"
    method, arguments, key = CALLS[plugin_type]
    assert key in account.json("call", "my-plugin", method, *arguments)
