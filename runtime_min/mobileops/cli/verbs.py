"""The static table of verbs: enough to print the help and to find a verb's module without importing any of them."""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, whose import alone would cost as much as printing the help
if TYPE_CHECKING:
    from typing import Final


class Verb:
    """One verb of the command line.

    Attributes:
        name: what a person types.
        group: heading in the help.
        usage: arguments in the help.
        summary: one line.
        needs_toolchain: whether it needs the distribution ``mobileops-toolchain``.
    """

    __slots__ = ("group", "name", "needs_toolchain", "summary", "usage")

    def __init__(self, name: str, group: str, usage: str, summary: str, *, needs_toolchain: bool = False) -> None:
        """Keep the values."""
        self.name = name
        self.group = group
        self.usage = usage
        self.summary = summary
        self.needs_toolchain = needs_toolchain

    @property
    def module(self) -> str:
        """The module that implements it."""
        return f"mobileops.cli.commands.{self.name.replace('-', '_')}"


VERBS: Final = (
    Verb(
        "quickstart",
        "start here",
        "",
        "make, check, sign, install and run a first plugin in a new folder",
        needs_toolchain=True,
    ),
    Verb("init", "author", "", "prepare this account: folders and a local signing instance", needs_toolchain=True),
    Verb("create-template", "author", "NAME TYPE", "make a new plugin from a template", needs_toolchain=True),
    Verb("template", "author", "update [PLUGIN]", "merge what the template has changed since", needs_toolchain=True),
    Verb("migrate", "author", "[PLUGIN]", "bring a manifest to the newest format", needs_toolchain=True),
    Verb(
        "validate", "author", "[PLUGIN]", "report everything that is wrong with a plugin's source", needs_toolchain=True
    ),
    Verb(
        "explain",
        "author",
        "[CODE|KEY]",
        "say what a code like MOP1009, a key of plugin.json or a permission means, offline",
        needs_toolchain=True,
    ),
    Verb("schema", "author", "", "print the schema of plugin.json or forms, or tell an editor", needs_toolchain=True),
    Verb(
        "permissions",
        "author",
        "show|explain|diff|audit|tighten",
        "what a plugin may do, what it did, and the least it needs",
    ),
    Verb("lock", "author", "[PLUGIN]", "resolve dependencies into a hashed requirements.txt", needs_toolchain=True),
    Verb(
        "test",
        "author",
        "[PLUGIN]",
        "run a plugin's tests, and those that every plugin has to pass",
        needs_toolchain=True,
    ),
    Verb(
        "run",
        "author",
        "[--dev] [PLUGIN]",
        "run a plugin from its source in its sandbox; --dev: anew at every change",
        needs_toolchain=True,
    ),
    Verb("package", "release", "[PLUGIN]", "build the reproducible bundle", needs_toolchain=True),
    Verb("sign", "release", "BUNDLE", "sign a bundle: locally, with a key, or with Sigstore", needs_toolchain=True),
    Verb("keys", "release", "generate|list|export", "make, list and publish signing keys", needs_toolchain=True),
    Verb("verify", "release", "BUNDLE", "decide whether a bundle is trusted, and by whom it is signed"),
    Verb(
        "diff",
        "release",
        "OLD NEW",
        "show what a new version changes, and whether its number says so",
        needs_toolchain=True,
    ),
    Verb(
        "rebuild",
        "release",
        "--check BUNDLE [SOURCE]",
        "build a bundle again; when it differs, name the member, bytes and cause",
        needs_toolchain=True,
    ),
    Verb("publish", "release", "BUNDLE", "offer a bundle in a repository", needs_toolchain=True),
    Verb(
        "update-metadata",
        "release",
        "NAME",
        "bring the words about a published plugin up to date",
        needs_toolchain=True,
    ),
    Verb("yank", "release", "NAME VERSION", "advise against a published version", needs_toolchain=True),
    Verb("deprecate", "release", "NAME", "advise against a plugin, and name its successor", needs_toolchain=True),
    Verb("inspect", "release", "BUNDLE", "show what is in a bundle, without trusting it"),
    Verb("install", "operator", "BUNDLE|NAME [VERSION]", "verify a plugin and what it needs, and install them"),
    Verb("upgrade", "operator", "NAME ... | --all", "install the newest versions that fit together"),
    Verb("outdated", "operator", "", "list installed plugins of which there is a newer version"),
    Verb("pin", "operator", "NAME", "leave a plugin at its version when others are upgraded"),
    Verb("unpin", "operator", "NAME", "upgrade a plugin with the others again"),
    Verb("why", "operator", "NAME", "say who asked for a plugin, and which others need it"),
    Verb("trust", "operator", "show|add|rotate|revoke|update|serve", "show and change whom this host trusts"),
    Verb("uninstall", "operator", "NAME", "remove an installed plugin"),
    Verb("list", "operator", "[--available]", "list installed plugins, or those of the repositories"),
    Verb("search", "operator", "TEXT", "look for plugins in the repositories"),
    Verb("info", "operator", "NAME", "show everything that a repository says about a plugin"),
    Verb("repo", "operator", "list|add|remove|claim|init|resign|rotate|doctor", "plugin repositories of this host"),
    Verb("start", "operator", "NAME", "start a plugin in its sandbox"),
    Verb("reload", "operator", "NAME", "replace a running plugin by a new process without losing a call"),
    Verb("restart", "operator", "NAME", "stop a plugin and start it again"),
    Verb("rollback", "operator", "NAME", "go back to the version before the installed one"),
    Verb("enable", "operator", "NAME", "start a plugin whenever the plugin manager starts"),
    Verb("disable", "operator", "NAME", "start a plugin no more by itself"),
    Verb("call", "operator", "NAME METHOD [JSON ...]", "call a method of a running plugin"),
    Verb("debug", "operator", "NAME", "attach an editor's debugger to a plugin, in its sandbox"),
    Verb("shell", "operator", "NAME", "run Python statements inside a running plugin, in its sandbox"),
    Verb("panel", "operator", "NAME PANEL", "print what a running plugin shows in a panel, widget or theme"),
    Verb("status", "operator", "[NAME]", "show the state of one plugin or of all"),
    Verb("audit", "operator", "[NAME]", "show what was decided about plugins' permissions, one by one"),
    Verb("report", "operator", "NAME", "write what is known about a plugin into an archive, without secrets"),
    Verb("monitor", "operator", "[NAME]", "watch what plugins use and do, live"),
    Verb("metrics", "operator", "", "print metrics as OpenMetrics, or have them served"),
    Verb("config", "operator", "NAME", "show and change the settings of a plugin"),
    Verb("logs", "operator", "[NAME | search TEXT]", "show or search plugins' logs"),
    Verb("stop", "operator", "NAME", "stop a plugin"),
    Verb(
        "event", "operator", "emit TOPIC [JSON] | watch [PATTERN]", "send an event to plugins, or see those that come"
    ),
    Verb("assets", "operator", "add|list|remove", "models and other large files that plugins may read"),
    Verb("doctor", "host", "[--repair]", "show what this host can enforce and whether the store is in order"),
    Verb("completion", "host", "bash|zsh|fish", "print what makes a shell complete mobileops' words"),
    Verb("daemon", "host", "", "run the plugin manager in the foreground, or stop it"),
)

LATER: Final = {"cluster": "this version runs plugins on the machine it is installed on, and knows of no other"}
"""Words of the design that are no verbs of this version: why."""

BY_NAME: Final = {verb.name: verb for verb in VERBS}
