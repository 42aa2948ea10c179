"""Run the real launcher in a process of its own, as whoever starts this; print what happened as JSON.

``python driver.py PACKAGES VERB STORE [ARGUMENT]``. PACKAGES is put on ``sys.path``: an ordinary user may not be
able to read the environment that the tests run in.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, sys.argv[1])

from mobileops.errors import IsolationRefused, MobileOpsError
from mobileops.runtime.isolation.credentials import plugin_uid
from mobileops.runtime.isolation.network import Destination, NetworkGrants
from mobileops.runtime.isolation.policy import Grant, Limits, SandboxPolicy
from mobileops.runtime.isolation.probe import probe
from mobileops.runtime.launching.launcher import Launcher

if TYPE_CHECKING:
    from mobileops.runtime.launching.launched import Launched

MEBIBYTE = 1024 * 1024
LIMITS = Limits(memory_bytes=512 * MEBIBYTE, processes=40, open_files=128, file_size_bytes=64 * MEBIBYTE)
TIMEOUT_S = 30


def grants(targets: dict[str, int]) -> NetworkGrants:
    """Return the permissions of an attempt that has a network: four ports of loopback, and one to listen on."""
    tcp = (targets["tcp"], targets["stuck"], targets["http"])
    return NetworkGrants(
        tcp=(Destination("network.tcp", "127.0.0.1", tcp),),
        udp=(Destination("network.udp", "127.0.0.1", (targets["udp"],)),),
        listen=(targets["listen"],),
    )


def paths(targets: dict[str, str], names: list[str]) -> tuple[Grant, ...]:
    """Return the grants of folders: a "writable" one may be read and changed, every other one be read."""
    return tuple(Grant(targets[name], read=True, write=name == "writable") for name in names)


def policy(
    store: Path,
    *,
    execution: bool = False,
    name: str = "escape",
    network: NetworkGrants | None = None,
    granted: tuple[Grant, ...] = (),
) -> SandboxPolicy:
    return SandboxPolicy(
        name=name,
        app=str(store / "plugins" / "escape" / "1.0.0"),
        data=str(store / "data" / name),
        uid=plugin_uid(0),
        limits=LIMITS,
        allow_execution=execution,
        network=network,
        grants=granted,
    )


def drain(launched: Launched, timeout_s: float = TIMEOUT_S) -> bytes:
    """Read the channel to its end, and the output so that it never fills up."""
    answer, output = b"", b""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        ready, _, _ = select.select([launched.channel, launched.output], [], [], 1)
        if launched.output in ready:
            output += os.read(launched.output, 65536)
        if launched.channel in ready:
            part = launched.channel.recv(65536)
            if not part:
                break
            answer += part
    return answer or json.dumps({"escaped": None, "errno": None, "detail": output.decode()[-2000:]}).encode()


def run_all(store: Path, specification: str) -> dict[str, object]:
    """Run every attempt and check in a process of its own, those with the same permissions in one sandbox."""
    plan = json.loads(specification)
    os.environ["MOBILEOPS_ESCAPE_SECRET"] = "secret"
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    os.set_inheritable(os.open(plan["targets"]["secret"], os.O_RDONLY), True)
    results: dict[str, Any] = {}
    sets: dict[tuple[bool, bool, tuple[str, ...]], list[str]] = {}
    with Launcher(plugins=store / "plugins", data=store / "data", namespaces=plan["namespaces"]) as launcher:
        for name, (execution, network, granted, starts) in plan["names"].items():
            permissions = (execution, network, tuple(granted))
            if not starts:
                sets.setdefault(permissions, []).append(name)
            for _start in range(starts):
                results |= run_some(launcher, store, permissions, [name], plan["targets"])
                if results[name]["escaped"]:
                    break
        for permissions, names in sets.items():
            results |= run_some(launcher, store, permissions, names, plan["targets"])
    return results


def run_some(
    launcher: Launcher,
    store: Path,
    permissions: tuple[bool, bool, tuple[str, ...]],
    names: list[str],
    targets: dict[str, Any],
) -> dict[str, Any]:
    """Return how attempts came out, in one sandbox; a start that is refused is an attempt that is."""
    execution, network, granted = permissions
    opened = policy(
        store,
        execution=execution,
        network=grants(targets) if network else None,
        granted=paths(targets, list(granted)),
    )
    try:
        launched = launcher.launch(opened, {"names": names, "targets": targets}, entry="attempts:main")
    except IsolationRefused as refusal:
        refused = {"escaped": False, "errno": None, "detail": f"not started: {refusal}", "uids": [-1]}
        return dict.fromkeys(names, refused)
    status = Path(f"/proc/{launched.pid}/status").read_text()
    uids = [int(uid) for uid in status.partition("Uid:")[2].split()[:4]]
    results: dict[str, Any] = {}
    for line in drain(launched, TIMEOUT_S * len(names)).splitlines():
        results.update(json.loads(line))
    launched.channel.close()
    os.close(launched.output)
    os.close(launched.pidfd)
    return {name: {**result, "uids": uids} for name, result in results.items()}


def filter_out(numbers: list[int]) -> None:
    """Make these system calls of this process and its children fail with ENOSYS, as on a kernel without them."""
    program = [(0x20, 0, 0, 0)]
    for number in numbers:
        program += [(0x15, 0, 1, number), (0x06, 0, 0, 0x50000 | 38)]
    program.append((0x06, 0, 0, 0x7FFF0000))
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *instruction) for instruction in program))
    header = struct.pack("@HP", len(program), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)
    if libc.syscall(ctypes.c_long(317), ctypes.c_long(1), ctypes.c_long(0), header) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def enter_user_namespace(inside: int) -> None:
    """Enter a user namespace with a single id, as in a container without a range of its own."""
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x10000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{inside} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{inside} {gid} 1")


def forbid_user_namespaces() -> None:
    """Enter a user namespace in which no further one may be made; nothing changes outside."""
    enter_user_namespace(1000)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


MISSING = {
    "nothing": lambda: None,
    "user-namespaces": forbid_user_namespaces,
    "id-range": lambda: enter_user_namespace(0),
    "landlock": lambda: filter_out([444, 445, 446]),
    "seccomp": lambda: filter_out([317]),
    "mounts": lambda: filter_out([428, 429, 442]),
    "pidfd": lambda: filter_out([434]),
}


def refused(store: Path, missing: str) -> dict[str, object]:
    """Take one mechanism away, then try to start a plugin that would leave a file behind; say how it was refused."""
    MISSING[missing]()
    report = probe()
    result: dict[str, object] = {"level": report.level, "broken": [one.name for one in report.mechanisms if not one.ok]}
    try:
        with Launcher(plugins=store / "plugins", data=store / "data") as launcher:
            launched = launcher.launch(policy(store, name=f"for-{missing}"), {}, entry="witness:main")
            drain(launched)
    except MobileOpsError as error:
        result |= error.to_dict()
    witness = store / "data" / f"for-{missing}" / "ran"
    result["ran"] = witness.exists()
    with contextlib.suppress(FileNotFoundError):
        witness.unlink()
    return result


def hostile(store: Path, count: str, level: str) -> None:
    """Start plugins that ignore everything, say so, and wait to be killed."""
    launcher = Launcher(plugins=store / "plugins", data=store / "data", namespaces=level == "full")
    launcher.start()
    launched = [
        launcher.launch(policy(store, name=f"hostile{number}"), {}, entry="hostile:main")
        for number in range(int(count))
    ]
    for one in launched:
        one.channel.recv(16)
    sys.stdout.write(json.dumps({"zygote": launcher.pid, "plugins": [one.pid for one in launched]}) + "\n")
    sys.stdout.flush()
    while select.select([sys.stdin, launcher], [], [])[0] == [launcher]:
        launcher.read_exits()
        if not launcher.alive:
            sys.stdin.read()
            return


def main() -> None:
    verb, store, arguments = sys.argv[2], Path(sys.argv[3]), sys.argv[4:]
    if verb == "all":
        sys.stdout.write(json.dumps(run_all(store, sys.stdin.read())))
    elif verb == "refused":
        sys.stdout.write(json.dumps(refused(store, *arguments)))
    else:
        hostile(store, *arguments)


if __name__ == "__main__":
    main()
