from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mobileops.bundle.flushing import Flusher
from mobileops.errors import RefusedError
from mobileops.runtime.store import Store, bytecode, compiling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.unit.runtime.store.conftest import Install

TAG = sys.implementation.cache_tag


def make(tree: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (tree / f"{name}.py").write_text(text)
    return [f"{name}.py" for name in files]


def compile_tree(tree: Path, names: Iterable[str]) -> bytecode.Table:
    with Flusher() as flusher, bytecode.Compilation(tree, names) as compilation:
        compilation.begin()
        return compilation.finish(flusher)


def test_python_takes_the_bytecode_without_looking_at_the_source(tmp_path: Path) -> None:
    names = make(tmp_path, part="VALUE = 'compiled'\n")
    table = compile_tree(tmp_path, names)
    assert list(table.files) == [f"__pycache__/part.{TAG}.pyc"]
    (tmp_path / "part.py").write_text("VALUE = 'changed since'\n")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import part; print(part.VALUE)"
    run = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "compiled\n"


def test_installed_bytecode_names_the_place_where_the_plugin_sees_its_source(tmp_path: Path) -> None:
    compile_tree(tmp_path, make(tmp_path, part="def f(): pass\n"))
    assert b"/app/part.py" in next((tmp_path / "__pycache__").iterdir()).read_bytes()


def test_bytecode_is_marked_with_this_python_and_the_digest_of_its_source(tmp_path: Path) -> None:
    compile_tree(tmp_path, make(tmp_path, part="x = 1\n"))
    header = next((tmp_path / "__pycache__").iterdir()).read_bytes()[:16]
    assert header == importlib.util.MAGIC_NUMBER + b"\1\0\0\0" + importlib.util.source_hash(b"x = 1\n")


def test_what_is_no_source_is_passed_over(tmp_path: Path) -> None:
    names = make(tmp_path, good="x = 1\n", bad="this is no Python\n", null="a\0b", deep="(" * 5000)
    (tmp_path / "data.bin").write_bytes(b"\0")
    assert list(compile_tree(tmp_path, [*names, "data.bin"]).files) == [f"__pycache__/good.{TAG}.pyc"]


def test_a_source_that_breaks_the_compiler_costs_the_bytecode_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setattr(compiling, "_COMPILER", broken)
    tree = tmp_path / "tree"
    tree.mkdir()
    assert compile_tree(tree, make(tree, part="x = 1\n")).files == {}
    assert [path.name for path in tree.iterdir()] == ["part.py"]


def test_a_compiler_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text("import time; time.sleep(600)")
    monkeypatch.setattr(compiling, "_COMPILER", slow)
    monkeypatch.setattr(compiling, "TIMEOUT_S", 0.2)
    assert compile_tree(tmp_path, make(tmp_path, part="x = 1\n")).files == {}


def test_a_host_that_starts_no_process_costs_the_bytecode_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    assert compile_tree(tmp_path, make(tmp_path, part="x = 1\n")) == bytecode.Table()


def test_many_sources_are_compiled_by_several_processes_and_each_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "PAYS_FROM_SOURCES", 2)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
    names = make(tmp_path, **{f"part{number}": f"VALUE = 'number {number}'\n" for number in range(7)})
    started = []
    real = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **more: started.append(args) or real(*args, **more))
    table = compile_tree(tmp_path, names)
    assert len(started) == 3
    assert sorted(table.files) == [f"__pycache__/part{number}.{TAG}.pyc" for number in range(7)] == list(table.files)
    for number in range(7):
        assert f"number {number}".encode() in (tmp_path / f"__pycache__/part{number}.{TAG}.pyc").read_bytes()


def test_an_install_that_is_given_up_leaves_no_compiler_behind(tmp_path: Path) -> None:
    with compiling.Compilers(tmp_path, make(tmp_path, part="x = 1\n")) as compilers:
        process = compilers._shares[0].process
        assert process.poll() is None
    assert process.returncode == -9


def test_an_install_that_is_given_up_does_not_wait_for_the_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text("import time; time.sleep(600)")
    monkeypatch.setattr(compiling, "_COMPILER", slow)
    monkeypatch.setattr(compiling, "TIMEOUT_S", 60.0)
    begun = time.monotonic()
    with compiling.Compilers(tmp_path, make(tmp_path, part="x = 1\n")) as compilers:
        compilers.begin()
    assert time.monotonic() - begun < 60
    assert not compilers._threads[0].is_alive()


def test_the_compilers_start_before_the_sources_are_there(tmp_path: Path) -> None:
    with Flusher() as flusher, bytecode.Compilation(tmp_path, ["part.py"]) as compilation:
        make(tmp_path, part="x = 1\n")
        compilation.begin()
        assert list(compilation.finish(flusher).files) == [f"__pycache__/part.{TAG}.pyc"]


def test_the_compiler_has_limits() -> None:
    program = Path(bytecode.__file__).with_name("_compiler.py").read_text().replace("    main()", "")
    check = (
        "main.__globals__['sys'].stdin = __import__('io').TextIOWrapper(__import__('io').BytesIO(b''))\n"
        "try:\n    main()\nexcept FileNotFoundError:\n    pass\n"
        "print([resource.getrlimit(k)[0] for k in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)])"
    )
    body = program.replace('if __name__ == "__main__":\n', "")
    run = subprocess.run([sys.executable, "-I", "-S", "-c", body + check], capture_output=True, text=True, check=True)
    assert run.stdout == f"[{1 << 30}, 60, 0]\n"


def test_bytecode_that_a_bundle_brings_is_left_alone(tmp_path: Path) -> None:
    names = make(tmp_path, part="x = 1\n", more="y = 1\n")
    brought = importlib.util.cache_from_source("part.py", optimization="")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / brought).write_bytes(b"theirs")
    table = compile_tree(tmp_path, [*names, brought])
    assert list(table.files) == [f"__pycache__/more.{TAG}.pyc"]
    assert (tmp_path / brought).read_bytes() == b"theirs"


@pytest.mark.parametrize("what", ["bytecode", "table", "added", "removed"])
def test_changed_bytecode_is_noticed_like_a_changed_source(store: Store, install: Install, what: str) -> None:
    receipt = install()
    folder = store.folder(receipt)
    store.check(receipt)
    compiled = next((folder / "__pycache__").iterdir())
    if what == "table":
        bytecode.table_path(folder).write_text('{"files": {}}')
    elif what == "added":
        compiled.with_name(f"other.{TAG}.pyc").write_bytes(compiled.read_bytes())
    elif what == "removed":
        compiled.unlink()
    else:
        compiled.write_bytes(compiled.read_bytes()[:-1] + b"x")
    with pytest.raises(RefusedError) as caught:
        store.check(receipt)
    assert caught.value.code == "MOP6006"


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("__pycache__/part.cpython-311.pyc", True),
        ("lib/__pycache__/part.cpython-311.pyc", True),
        ("__pycache__/part.so", False),
        ("part.pyc", False),
    ],
)
def test_only_a_compiled_file_in_pythons_cache_is_bytecode(name: str, *, is_one: bool) -> None:
    assert bytecode.is_bytecode(name) is is_one


def test_a_plugin_without_python_files_of_its_own_needs_no_table(tmp_path: Path) -> None:
    assert compile_tree(tmp_path, ["data.bin"]) == bytecode.Table()
    assert bytecode.read_table(tmp_path) == bytecode.Table()
    assert bytecode.is_for_this_python(bytecode.Table())
