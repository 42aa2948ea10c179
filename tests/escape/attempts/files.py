"""Attempts on files that are not the plugin's; the secrets are the test's own."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from pathlib import Path

from attempts import surroundings
from attempts.registry import Refused, Scene, attempt, syscall


def secret(scene: Scene) -> Path:
    return Path(scene.targets["secret"])


@attempt()
def read_a_file_of_the_host(scene: Scene) -> str:
    return secret(scene).read_text()


@contextmanager
def changing(path: Path):
    """Refused as well is a change that is answered with success and does not happen."""
    before = path.stat().st_ctime_ns
    yield path
    if path.stat().st_ctime_ns == before:
        raise Refused("answered, and nothing has changed")


@attempt(bare=False)
def learn_that_a_file_exists(scene: Scene) -> str:
    return f"{secret(scene).stat().st_size} bytes"


@attempt(namespaces=True)
def read_password_hashes(scene: Scene) -> str:
    if scene.outside:
        surroundings.put(scene, "/etc/shadow", "root:*:")
    return Path("/etc/shadow").read_text()[:8]


@attempt()
def read_the_users_of_the_host(scene: Scene) -> str:
    return Path("/etc/passwd").read_text()[:8]


@attempt()
def read_data_of_another_plugin(scene: Scene) -> str:
    return Path(scene.targets["neighbour"]).read_text()


def store(scene: Scene) -> Path:
    """Return where the store is before it is covered; outside, one of the control's own."""
    if not scene.outside:
        return Path("/st")
    for name in ("data", "plugins"):
        (scene.tmp / "st" / name / "neighbour").mkdir(parents=True, exist_ok=True)
    return scene.tmp / "st"


@attempt()
def read_data_of_another_plugin_in_the_store(scene: Scene) -> str:
    return str([entry.name for entry in (store(scene) / "data").iterdir()])


@attempt()
def list_the_other_plugins(scene: Scene) -> str:
    return str([entry.name for entry in (store(scene) / "plugins").iterdir()])


@attempt(namespaces=True)
def uncover_the_store(scene: Scene) -> str:
    covered = store(scene)
    if scene.outside:
        surroundings.cover(covered)
    syscall(166, str(covered).encode(), 2)
    return str(next(covered.iterdir()))


@attempt()
def write_into_its_own_code(scene: Scene) -> str:
    (scene.app / "planted.py").write_text("")
    return "written"


@attempt()
def change_the_mode_of_its_own_code(scene: Scene) -> str:
    with changing(scene.app / "attempts" / "files.py") as path:
        path.chmod(0o644)
    return "changed"


@attempt()
def follow_a_link_out(scene: Scene) -> str:
    link = scene.data / "link"
    link.unlink(missing_ok=True)
    link.symlink_to(secret(scene))
    return link.read_text()


@attempt()
def climb_out_by_dots(scene: Scene) -> str:
    return Path(f"{scene.data}/../../../../../../../..{secret(scene)}").read_text()


@attempt()
def climb_out_by_the_root_of_the_process(scene: Scene) -> str:
    return Path(f"/proc/self/root{secret(scene)}").read_text()


@attempt()
def climb_out_by_the_root_of_a_thread(scene: Scene) -> str:
    return Path(f"/proc/thread-self/root{secret(scene)}").read_text()


@attempt()
def climb_out_by_the_working_directory(scene: Scene) -> str:
    return Path(f"/proc/self/cwd/../../../../../../../..{secret(scene)}").read_text()


@attempt()
def climb_out_by_a_directory_descriptor(scene: Scene) -> str:
    directory = os.open("/", os.O_PATH)
    return f"descriptor {os.open(str(secret(scene))[1:], os.O_RDONLY, dir_fd=directory)}"


@attempt()
def hard_link_a_file_of_the_host(scene: Scene) -> str:
    target = scene.data / "hard"
    target.unlink(missing_ok=True)
    os.link(secret(scene), target)
    return target.read_text()


@attempt()
def move_a_file_of_the_host(scene: Scene) -> str:
    victim = Path(scene.targets["movable"])
    victim.rename(scene.data / "moved")
    (scene.data / "moved").rename(victim)
    return "moved there and back"


@attempt()
def truncate_a_file_of_the_host(scene: Scene) -> str:
    os.truncate(scene.targets["movable"], 3)
    return "truncated"


@attempt()
def change_the_mode_of_a_file_of_the_host(scene: Scene) -> str:
    with changing(secret(scene)) as path:
        path.chmod(0o644)
    return "changed"


@attempt()
def change_the_time_of_a_file_of_the_host(scene: Scene) -> str:
    with changing(secret(scene)) as path:
        os.utime(path)
    return "changed"


@attempt(optional=True)
def set_an_attribute_of_a_file_of_the_host(scene: Scene) -> str:
    with changing(secret(scene)) as path:
        os.setxattr(path, "user.escape", b"x")
    return "set"


@attempt()
def touch_the_system_interpreter(scene: Scene) -> str:
    """Read-only for an ordinary user as well, so the control aims at a file that the user owns."""
    path = secret(scene) if "control" in scene.app.parts else Path(os.__file__)
    with changing(path):
        os.utime(path)
    return "changed"


@attempt(uncontrolled="only the host's root may")
def make_a_block_device(scene: Scene) -> str:
    os.mknod(scene.data / "disk", stat.S_IFBLK | 0o600, os.makedev(8, 0))
    return "made"


@attempt(namespaces=True)
def open_a_disk(scene: Scene) -> str:
    if scene.outside:
        surroundings.cover(Path("/dev"))
        Path("/dev/sda").write_text("")
    for name in ("sda", "vda", "nvme0n1", "mem", "kmsg", "kcore"):
        for directory in ("/dev", "/proc"):
            try:
                return f"{name}: descriptor {os.open(f'{directory}/{name}', os.O_RDONLY)}"
            except OSError as error:
                last = error
    raise last


@attempt(namespaces=True)
def open_a_kernel_setting_for_writing(scene: Scene) -> str:
    if scene.outside:
        surroundings.put(scene, "/proc/sys/kernel/core_pattern")
    return f"descriptor {os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY)}"


@attempt(namespaces=True)
def open_a_network_setting_for_writing(scene: Scene) -> str:
    return f"descriptor {os.open('/proc/sys/net/ipv4/ip_forward', os.O_WRONLY)}"


@attempt()
def make_a_process_unkillable_by_memory_pressure(scene: Scene) -> str:
    setting = Path("/proc/self/oom_score_adj")
    setting.write_text(setting.read_text())
    return "written"


@attempt(namespaces=True)
def make_a_control_group(scene: Scene) -> str:
    if scene.outside:
        surroundings.cover(Path("/sys/fs/cgroup"))
    Path("/sys/fs/cgroup/escape").mkdir()
    return "made"


@attempt()
def read_the_hardware(scene: Scene) -> str:
    return str(list(Path("/sys/class").iterdir())[:1])


@attempt()
def replace_a_mount_point(scene: Scene) -> str:
    moved = scene.data.rename(scene.data.with_name("data2"))
    moved.rename(scene.data)
    return "renamed"


@attempt(namespaces=True)
def write_beside_its_directories(scene: Scene) -> str:
    if scene.outside:
        surroundings.cover(Path("/dev"))
    for directory in ("/", "/etc", "/rt", "/usr", "/dev", "/st"):
        try:
            Path(directory, "planted").write_text("")
        except OSError:
            continue
        return f"written into {directory}"
    raise Refused("nowhere")


@attempt()
def read_packages_of_the_host(scene: Scene) -> str:
    """The control's interpreter has the runtime's packages beside it; a plugin has only what it declared."""
    return Path(scene.targets["packages"]).read_text()[:8]
