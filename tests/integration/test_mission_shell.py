"""Every shell block of the mission's text, verbatim and in its order, typed by a person at a terminal.

The person has a fresh home at /var/lib/mobileops and a checkout that was set up, and starts in the checkout. The text
says ``./plugin_manager.sh`` in other folders too: there a link to the script is put first, as README.md advises. What
the text supposes is made between its blocks: a bundle at /path/to/plugin.zip, and published versions of my-plugin.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.fakes.mission import block, blocks
from tests.fakes.terminal import INTERRUPT, Terminal
from tests.integration.conftest import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.conftest import Account

SCRIPTS: Final = ("plugin_manager.sh", "test_suite.sh", "system_log_collector.sh")
PARTS: Final = (
    *SCRIPTS,
    "toolchain/environment.sh",
    "toolchain/start.py",
    "pyproject.toml",
    "runtime_min/pyproject.toml",
)
MACHINE: Final = CHECKOUT / "tests" / "fakes" / "fresh_machine.py"
HOME: Final = "/var/lib/mobileops"
PLUGIN: Final = f"{HOME}/plugins/my-plugin"
ACCEPT: Final = "\n"
END_OF_INPUT: Final = "\x04"
NOXFILE: Final = """
import nox

@nox.session(venv_backend="none")
def integration(session):
    session.run("sh", "-c", "exit 0")
"""
"""``./test_suite.sh integration`` is the session that this test runs in; another one of its name stands in for it."""


class Line(NamedTuple):
    """What one command of the text has to do.

    Attributes:
        command: as the text has it.
        shows: regular expressions, each found in what is on the terminal.
        exit_code: of the command.
        keys: what the person types meanwhile: (regular expression to wait for, keys).
        leaves: files that are in the home afterwards.
    """

    command: str
    shows: tuple[str, ...] = ()
    exit_code: int = 0
    keys: tuple[tuple[str, str], ...] = ()
    leaves: tuple[str, ...] = ()


def mobileops(words: str, *shows: str, **more: object) -> Line:
    return Line(f"./plugin_manager.sh {words}", shows, **more)  # type: ignore[arg-type]


NOT_YET: Final = r"this version has no verb 'cluster' yet \[MOP7008\]"
TABLE: Final = r"PLUGIN .*CPU%.*MEM"
STOPPED: Final = r"my-plugin +[^\n]*stopped[^\n]*\n"

GETTING_STARTED: Final = (
    mobileops("init", "home: /var/lib/mobileops\n", "assurance: local", leaves=("sigstore/instance.json",)),
    Line(f"mkdir -p {PLUGIN}", leaves=("plugins/my-plugin",)),
    Line(f"cd {PLUGIN}"),
    mobileops(
        "create-template my-plugin service",
        f"made {PLUGIN}; next:",
        keys=(
            (r"description \[.*\]: ", "Example data processing\n"),
            (r"author \[.*\]: ", ACCEPT),
            (r"license \[.*\]: ", ACCEPT),
        ),
        leaves=("plugins/my-plugin/plugin.json", "plugins/my-plugin/main.py", "plugins/my-plugin/tests/test_plugin.py"),
    ),
)
INSTALLING: Final = (
    mobileops("install /path/to/plugin.zip", "installed my-plugin 2.0.0", leaves=("store/my-plugin",)),
    mobileops(
        "install my-plugin", "upgrade my-plugin 2.0.0 -> 2.2.0, from local", "installed my-plugin 2.2.0, signed by"
    ),
    mobileops("install my-plugin 2.1.0", "2.2.0 -> 2.1.0", "installed my-plugin 2.1.0"),
)
LIFECYCLE: Final = (
    mobileops("list", r"my-plugin +2\.1\.0 +stopped +service"),
    mobileops("start my-plugin", r"my-plugin 2\.1\.0 is running \(pid \d+\), methods: get_status, process_data"),
    mobileops("stop my-plugin", "my-plugin is stopped: stopped by the operator"),
    mobileops("status my-plugin", "state: stopped", r"version: 2\.1\.0"),
    mobileops("monitor", TABLE, keys=((STOPPED, INTERRUPT),), exit_code=130),
)
CONFIGURATION: Final = (
    mobileops("config my-plugin", r"endpoint +https://api\.example\.com +manifest", r"timeout +30 +manifest"),
    mobileops(
        "config my-plugin --set endpoint=https://new-api.example.com",
        "changed endpoint",
        leaves=("config/my-plugin.json",),
    ),
    mobileops("config my-plugin --reset", "changed endpoint"),
)
TESTING: Final = (
    Line("./test_suite.sh plugin my-plugin", (r"my-plugin.*: \d+ passed",)),
    Line("./test_suite.sh plugins", (r"my-plugin.*: \d+ passed", "the tests of 1 plugin passed")),
    Line("./test_suite.sh integration", ("Session integration was successful",)),
)
PUBLISHING: Final = (
    mobileops(
        "package my-plugin",
        r"bundle: .*/my-plugin-2\.3\.0\.zip",
        leaves=("plugins/my-plugin/dist/my-plugin-2.3.0.zip",),
    ),
    mobileops(
        "publish my-plugin.zip",
        f"taking {PLUGIN}/dist/my-plugin-2.3.0.zip",
        r"it had no signature: signed by \S+@localhost \(local\)",
        r"published my-plugin 2\.3\.0",
        leaves=("plugins/my-plugin/dist/my-plugin-2.3.0.zip.sigstore.json",),
    ),
    mobileops("update-metadata my-plugin", "taking the words of"),
)
DISCOVERY: Final = (
    mobileops('search "data processing"', r"my-plugin +2\.3\.0 .*Example data processing"),
    mobileops("info my-plugin", r"2\.3\.0 +\d{4}-", r"2\.1\.0 +\d{4}-", "description: Example data processing"),
    mobileops("list --available", r"my-plugin +2\.3\.0 +2\.1\.0"),
)
MONITORING: Final = (
    mobileops("monitor my-plugin", TABLE, keys=((STOPPED, INTERRUPT),), exit_code=130),
    Line('./system_log_collector.sh search "my-plugin"', ("running: ready", "stopped by the operator")),
    mobileops("status my-plugin --detailed", "state: stopped", r"signer: .*assurance=local", "history: .*running"),
)
DEBUGGING: Final = (
    Line("export MOBILEOPS_PLUGIN_DEBUG=1"),
    mobileops("start my-plugin", r"my-plugin 2\.1\.0 is running"),
    mobileops(
        "debug my-plugin",
        '"type": "debugpy"',
        r"my-plugin 2\.1\.0, pid \d+: attach an editor to 127\.0\.0\.1:\d+",
        keys=(("Ctrl-C ends this", INTERRUPT),),
        exit_code=130,
    ),
    mobileops(
        "shell my-plugin",
        r"my-plugin 2\.1\.0, pid \d+: 'plugin' is the instance",
        keys=((">>>", "plugin.process_data({'a': ' b '})\n"), ("(?s)'success'.*>>>", END_OF_INPUT)),
    ),
)
CLUSTERING: Final = (
    mobileops("cluster configure", NOT_YET, exit_code=2),
    mobileops("cluster deploy my-plugin", NOT_YET, exit_code=2),
    mobileops("cluster scale my-plugin --replicas 3", NOT_YET, exit_code=2),
)
BLOCKS: Final = (
    GETTING_STARTED,
    INSTALLING,
    LIFECYCLE,
    CONFIGURATION,
    TESTING,
    PUBLISHING,
    DISCOVERY,
    MONITORING,
    DEBUGGING,
    CLUSTERING,
)


def commands_of_the_text() -> list[list[str]]:
    return [[line for line in one.splitlines() if line and not line.startswith("#")] for one in blocks("bash")]


def test_every_command_of_the_text_is_here() -> None:
    assert [[line.command for line in one] for one in BLOCKS] == commands_of_the_text()


class Person:
    """Somebody who follows the text."""

    def __init__(self, terminal: Terminal, checkout: Path, home: Path) -> None:
        self.home = home
        self._terminal = terminal
        self._checkout = checkout

    def follow(self, one: tuple[Line, ...]) -> None:
        """Type the commands of a block, and look at what each of them did."""
        for line in one:
            for script in SCRIPTS:
                if line.command.startswith(f"./{script}"):
                    self.prepare(f"[ -e {script} ] || ln -s {self._checkout}/{script} .")
            done = self._terminal.run(line.command, keys=line.keys)
            assert done.exit_code == line.exit_code, f"$ {line.command}\n{done.output}"
            assert "Traceback" not in done.output, f"$ {line.command}\n{done.output}"
            for words in line.shows:
                assert re.search(words, done.output), f"{words!r} is not in this:\n$ {line.command}\n{done.output}"
            for path in line.leaves:
                assert (self.home / path).exists(), f"{path} is not there after {line.command}"

    def prepare(self, command: str) -> None:
        """Type something that is not in the text."""
        done = self._terminal.run(command)
        assert done.exit_code == 0, f"$ {command}\n{done.output}"

    def write_version(self, version: str) -> None:
        """Edit the plugin, as its author: another version, and the settings of the mission's plugin.json too."""
        path = self.home / "plugins" / "my-plugin" / "plugin.json"
        manifest = json.loads(path.read_text())
        manifest["version"] = version
        manifest["configuration"] |= json.loads(block('"endpoint": "https', language="json"))["configuration"]
        path.write_text(json.dumps(manifest, indent=4))

    def publish(self, version: str) -> None:
        """Offer another version."""
        self.write_version(version)
        self.prepare("./plugin_manager.sh package my-plugin && ./plugin_manager.sh publish my-plugin.zip")

    def hand_over(self, version: str) -> None:
        """Have a bundle and its signature where the text has them, under a name of no version."""
        self.write_version(version)
        bundle = f"my-plugin-{version}.zip"
        self.prepare(f"./plugin_manager.sh package my-plugin --sign && mv dist/{bundle}* /path/to")
        self.prepare(f"ln -s {bundle} /path/to/plugin.zip")  # a bundle's own name is signed


@pytest.fixture(scope="module")
def checkout(base: Path, product: Path) -> Path:
    """A checkout whose environment is the one that the product is installed in."""
    root = base / "checkout"
    for part in PARTS:
        (root / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / part, root / part)
    (root / "noxfile.py").write_text(NOXFILE)
    environment = root / ".mobileops-venv"
    environment.symlink_to(product.parents[1])
    stamped = [root / "pyproject.toml", root / "runtime_min/pyproject.toml", environment / "pyvenv.cfg"]
    stamp = subprocess.run(["cksum", *stamped], check=True, capture_output=True)
    (environment / "stamp").write_bytes(stamp.stdout)
    return root


@pytest.fixture
def person(account: Account, checkout: Path) -> Iterator[Person]:
    """Somebody at a terminal on a fresh machine."""
    places = {HOME: account.folder / "state", "/path/to": account.folder / "downloads"}
    for folder in places.values():
        folder.mkdir()
        account.give(folder)
    uid, gid = account.identity.get("user", os.geteuid()), account.identity.get("group", os.getegid())
    shown = [f"{place}={folder}" for place, folder in places.items()]
    machine = [str(account.python), "-I", str(MACHINE), str(uid), str(gid), *shown, "--"]
    environment = account.environment
    del environment["MOBILEOPS_HOME"]
    if account.is_user:  # whom the administrator has given the folder
        environment["MOBILEOPS_HOME"] = HOME
    with Terminal(machine, environment=environment, cwd=checkout) as terminal:
        yield Person(terminal, checkout, places[HOME])


def test_the_missions_shell_blocks_work_verbatim_in_their_order(person: Person) -> None:
    person.follow(GETTING_STARTED)
    person.hand_over("2.0.0")
    person.publish("2.1.0")
    person.publish("2.2.0")
    person.follow(INSTALLING)
    person.follow(LIFECYCLE)
    person.follow(CONFIGURATION)
    person.write_version("2.3.0")
    for one in BLOCKS[4:]:
        person.follow(one)
    person.prepare("./plugin_manager.sh daemon --stop")
