"""Do things to a store in processes that are killed, or whose disk refuses, at each step in turn; a program.

``python -m tests.fakes.crashing_store``: for each line of standard input, a JSON object that says what to do, it writes
a line with what came of it. Each run is a fork of this process, which has only one thread and has imported and verified
everything before, on a copy of the same home whose files are links: whoever changes one replaces it.
"""

from __future__ import annotations

import gc
import hashlib
import json
import marshal
import os
import random
import shutil
import signal
import sys
from contextlib import ExitStack, suppress
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mobileops.bundle import flushing
from mobileops.errors import MobileOpsError
from mobileops.runtime import journal
from mobileops.runtime.home import Home
from mobileops.runtime.store import Accepted, Store, bytecode, examination
from mobileops.runtime.store.autostart import Autostart
from mobileops.runtime.store.rotation import rotate
from mobileops.runtime.trust import TrustPolicy, verify
from tests.fakes.faults import Faults
from tests.fakes.power_loss import EXTREMES, Recorder, lay_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REFUSED, CRASHED = 7, 9
PATIENCE_S = 600


def operations(home: Home, bundles: dict[str, Path]) -> dict[str, Callable[[], object]]:
    """Return what can be done, by name; ``install A B`` installs two at once."""
    store = Store(home)
    policy = TrustPolicy.load(home.trust_policy, local_root=home.sigstore / "trusted_root.json")

    def decide(bundle: Path, signature: Path) -> Any:
        return verify(bundle, policy=policy, pins=store.pins(), signature=signature)

    def install(words: list[str]) -> object:
        with ExitStack() as stack:
            staged = [stack.enter_context(store.staged(bundles[word], verify=decide)) for word in words]
            return store.commit([Accepted(one, granted=()) for one in staged])

    return {
        "rollback": lambda: store.rollback("echo"),
        "uninstall": lambda: store.uninstall("echo"),
        "purge": lambda: store.uninstall("echo", purge=True),
        "hold": lambda: store.hold("echo", held=True),
        "rotate": lambda: rotate(store.home, "echo", reason="a test"),
        **{f"install {' '.join(words)}": lambda words=words: install(words) for words in _choices(bundles)},
    }


def _choices(bundles: dict[str, Path]) -> list[list[str]]:
    return [*([name] for name in bundles), *([one, two] for one in bundles for two in bundles if one != two)]


def state(home: Home) -> dict[str, Any]:
    """Return everything about a store that anybody could notice, without taking its lock."""
    store = Store(home)
    found: dict[str, Any] = {"pins": {name: str(pin) for name, pin in store.pins().items()}}
    found["enabled"] = Autostart(home).names()
    condemned = _condemned(home)
    for folder in (home.data, home.settings):
        visible = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
        found[folder.name] = sorted(name for name in visible if f"{folder.name}/{name}" not in condemned)
    for receipt in store.all():
        previous = store.previous(receipt.name)
        found[receipt.name] = [_version(store, one) for one in (receipt, previous) if one is not None]
    return found


def _condemned(home: Home) -> tuple[str, ...]:
    """Return what a committed change removes, when it is finished, before anybody could install again."""
    place = home.root / journal.NAME
    return tuple(json.loads(place.read_bytes())["trash"]) if place.exists() else ()


def _version(store: Store, receipt: Any) -> list[Any]:
    """Return what a receipt says; that its files are what it says is a matter of `examination`."""
    signature = hashlib.sha256(store.signature(receipt).read_bytes()).hexdigest()
    return [receipt.version, receipt.granted, receipt.held, receipt.sha256, receipt.files_sha256, signature]


def leftovers(home: Home) -> list[str]:
    """Return what an interrupted change has left, where the next one should have cleaned up."""
    strange = [path for path in home.root.rglob(".*.json.*") if path.is_file()]
    return sorted(str(path.relative_to(home.root)) for path in (*home.staging.iterdir(), *strange))


class CompilersHere:
    """Compile in this process: starting others for each run would take most of the time."""

    def __init__(self, tree: Path, sources: list[str]) -> None:
        self._tree = tree
        self._sources = sources
        self._read: dict[str, bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left behind."""

    def begin(self) -> None:
        """Read the sources."""
        self._read = {name: (self._tree / name).read_bytes() for name in self._sources}

    def results(self) -> Iterator[tuple[str, bytes]]:
        """Yield what came of them."""
        for name, source in self._read.items():
            yield name, MAGIC_NUMBER + b"\1\0\0\0" + bytes(8) + marshal.dumps(compile(source, name, "exec"))


def run(home: Path, bundles: dict[str, Path], operation: str, *, at: int, how: str) -> tuple[int, int]:
    """Do it in a fork; return how it ended (negative: a signal) and how many steps there were (-1 when killed)."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = CRASHED
        try:
            do = operations(Home(home), bundles)[operation]
            faults = Faults(at, how)
            faults.install()
            try:
                do()
                status = 0
            except MobileOpsError:
                status = REFUSED
            count = faults.count
            Faults.uninstall()
            os.write(writer, str(count).encode())
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as stream:
        told = stream.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), int(told or -1)


def warm_up(home: Home, bundle: Path) -> None:
    """Import what verifying needs, once: a fork finds it there."""
    with suppress(MobileOpsError):
        policy = TrustPolicy.load(home.trust_policy, local_root=home.sigstore / "trusted_root.json")
        verify(bundle, policy=policy, pins={}).__exit__()


def judge(home: Home, status: int, how: str, *, old: object, new: object) -> tuple[str, str]:
    """Return which state a fault left, and what is wrong with that; the next change must find nothing to mend."""
    try:
        found = state(home)
        problems = [one.what for one in examination.examine(home)]
        mended = examination.repair(home)
        after, left = state(home), leftovers(home)
    except MobileOpsError as error:
        return "unreadable", str(error)
    which = "new" if found == new else "old" if found == old else "another"
    if status not in ({-9} if how == "kill" else {0, REFUSED}):
        return which, f"it ended with {status}"
    if which == "another" or problems or mended or after != found or left:
        return which, f"the state is {which}: {problems}, then {mended}, {left}"
    return which, "it said that it was done, and it was not" if status == 0 and which != "new" and old != new else ""


def try_each_step(said: dict[str, Any]) -> dict[str, Any]:
    """Do ``operation`` in copies of ``home``, with a fault of the kind ``how`` at each step; return what came of it.

    If it is ``count``, there is no fault.
    """
    template, scratch = Path(said["home"]), Path(said["scratch"])
    bundles = {name: Path(path) for name, path in said["bundles"].items()}

    def once(at: int, how: str) -> tuple[Home, int, int]:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(template, scratch, symlinks=True, copy_function=os.link)
        return Home(scratch), *run(scratch, bundles, said["operation"], at=at, how=how)

    old = state(Home(template))
    warm_up(Home(template), next(iter(bundles.values())))
    home, status, steps = once(sys.maxsize, "kill")
    assert status == 0, f"without a fault it ends with {status}"
    new = state(home)
    assert examination.examine(home) == []
    if said["how"] == "count":
        return {"steps": steps}
    wrong, outcomes = [], {"old": 0, "new": 0}
    for at in range(steps):
        home, status, _ = once(at, said["how"])
        which, trouble = judge(home, status, said["how"], old=old, new=new)
        outcomes[which] = outcomes.get(which, 0) + 1
        wrong += [f"step {at}: {trouble}"] if trouble else []
    assert (state(Home(template)), examination.examine(Home(template))) == (old, []), "a run changed what it began with"
    return {"steps": steps, "outcomes": outcomes, "wrong": wrong, "changes": old != new}


def pull_the_plug(said: dict[str, Any]) -> dict[str, Any]:
    """Do ``operation`` in a copy of ``home``, and judge what the disk might hold if the power failed at any step.

    Looked at are the states in which all was lost that could be, or nothing, those after the end, and ``sample``
    others; ``deaf_to`` is what the disk does not flush although it was told to.
    """
    template, scratch = Path(said["home"]), Path(said["scratch"])
    bundles = {name: Path(path) for name, path in said["bundles"].items()}
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(template, scratch, symlinks=True)
    home, old = Home(scratch), state(Home(template))
    with Recorder(scratch, deaf_to=said["deaf_to"]) as recorder:
        operations(home, bundles)[said["operation"]]()
    new = state(home)
    *during, last = recorder.images
    after = set(last)
    chosen = {image for images in during for image in images[:EXTREMES]} - after
    others = sorted({image for images in during for image in images} - chosen - after, key=repr)
    chosen.update(random.Random(said["operation"]).sample(others, k=min(said["sample"], len(others))))  # noqa: S311
    wrong, outcomes = [], {"old": 0, "new": 0}
    for image in [*chosen, *after]:
        shutil.rmtree(scratch)
        lay_out(image, scratch)
        try:
            which, trouble = judge(home, 0 if image in after else REFUSED, "power", old=old, new=new)
        except OSError as error:
            which, trouble = "unreadable", str(error)
        outcomes[which] = outcomes.get(which, 0) + 1
        wrong += [trouble] if trouble else []
    return {"steps": len(chosen) + len(after), "outcomes": outcomes, "wrong": wrong, "changes": old != new}


def main() -> None:
    """Do what each line of standard input says."""
    bytecode.Compilers = CompilersHere  # type: ignore[assignment,misc]
    for line in sys.stdin:
        signal.alarm(PATIENCE_S)
        gc.freeze()  # a fork copies what it writes to, and counting writes to everything
        said = json.loads(line)
        flushing.AT_ONCE_FROM_FILES = said["at_once_from"]  # type: ignore[misc]
        found = pull_the_plug(said) if said["how"] == "power" else try_each_step(said)
        print(json.dumps(found), flush=True)  # noqa: T201  the answer


if __name__ == "__main__":
    main()
