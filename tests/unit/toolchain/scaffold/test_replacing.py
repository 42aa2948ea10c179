"""Several files at once: all of them or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobileops.errors import HostFault
from mobileops.toolchain.scaffold import replacing


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"/" for path in folder.rglob("*")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    return tmp_path


def test_files_are_written_made_and_removed(folder: Path) -> None:
    (folder / "a").chmod(0o755)
    replacing.replace(folder, {"a": b"A", "b": None, "new/deep/c": b"c"})
    assert everything(folder) == {"a": b"A", "new": b"/", "new/deep": b"/", "new/deep/c": b"c"}
    assert (folder / "a").stat().st_mode & 0o777 == 0o755


def test_nothing_to_do_touches_nothing(folder: Path) -> None:
    before = folder.stat().st_mtime_ns
    replacing.replace(folder, {})
    assert folder.stat().st_mtime_ns == before


@pytest.mark.parametrize("failing", range(5))
def test_a_failure_at_any_step_leaves_everything_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    before, rename, steps = everything(folder), Path.rename, iter(range(100))

    def fails_once(self: Path, target: Path) -> Path:
        if next(steps) == failing:
            raise OSError(28, "No space left on device", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_once)
    changes = {"a": b"A", "new/deep/c": b"c", "b": b"B"}
    with pytest.raises(HostFault) as caught:
        replacing.replace(folder, changes)
    assert caught.value.code == "MOP7107"
    assert everything(folder) == before
