"""What CI runs, one session a concern; ``./test_suite.sh`` runs all of the default ones.

What a session writes goes below nox's own folder, so that a checkout nobody may write to can be tested too.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import nox

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).parent
PROJECTS: Final = (ROOT / "runtime_min", ROOT)
SOURCES: Final = ("runtime_min", "toolchain")
PYPROJECT: Final = nox.project.load_toml(ROOT / "pyproject.toml")
FLOORS: Final = ROOT / ".ci" / "coverage_floors.py"
CHECK_JSONSCHEMA: Final = "check-jsonschema>=0.39,<1"  # a peer to agree with, and to be measured against
EMULATED: Final = ("Nehalem", "Haswell")  # without AVX; with AVX2 and without AVX-512
INSTALLER: Final = {"UV_COMPILE_BYTECODE": "1"}  # pip does it unasked; tests start many interpreters

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_external_run = True


def install_groups(session: nox.Session, *groups: str) -> None:
    """Install dependency groups of pyproject.toml, and nothing of the project."""
    session.install(*nox.project.dependency_groups(PYPROJECT, *groups), env=INSTALLER)


def install_editable(session: nox.Session, *groups: str) -> None:
    """Install both distributions from the checkout, with dependency groups beside them."""
    editable = [argument for project in PROJECTS for argument in ("-e", str(project))]
    session.install(*editable, *nox.project.dependency_groups(PYPROJECT, *groups), env=INSTALLER)


def scratch(session: nox.Session) -> Path:
    """Return an empty folder of this session, below nox's own.

    Not ``create_tmp``: that moves TMPDIR there, and a socket's path has room for 108 bytes.
    """
    folder = Path(session.virtualenv.location).resolve().with_name(f"scratch-{session.name}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def run_pytest(session: nox.Session, *arguments: str, program: Sequence[str] = ("pytest",)) -> dict[str, str]:
    """Run pytest on every core with its closing lines visible, writing nothing into the checkout but bytecode.

    Args:
        session: where it runs; what stands behind ``--`` replaces the arguments.
        arguments: for pytest.
        program: what starts pytest.

    Returns:
        The variables it ran with.
    """
    folder = scratch(session)
    (folder / "coverage").mkdir()
    env = {
        "COVERAGE_FILE": str(folder / "coverage" / "data"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
    }
    options = ("--numprocesses=auto", "-o", f"cache_dir={folder / 'pytest'}")
    session.run(*program, *options, *(session.posargs or arguments), env=env)
    return env


def build_wheels(session: nox.Session, into: Path) -> list[str]:
    """Build both wheels with the declared back end, and return their paths."""
    for project in PROJECTS:
        with session.chdir(project):
            session.run("python", "-m", "hatchling", "build", "-t", "wheel", "-d", str(into))
    return sorted(map(str, into.glob("*.whl")))


def install_npm(session: nox.Session, tests: Path) -> Path:
    """Install the locked npm packages of a folder of tests aside, with the programs that use them; return where."""
    services = scratch(session) / "services"
    services.mkdir()
    for path in tests.iterdir():
        if path.suffix in {".json", ".mjs", ".cjs"} or path.name == ".npmrc":
            shutil.copy(path, services)
    with session.chdir(services):
        session.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", external=True)
    return services


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format with ruff."""
    install_groups(session, "lint")
    session.env["RUFF_CACHE_DIR"] = str(scratch(session))
    session.run("ruff", "check", "--output-format", "concise", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy in strict mode."""
    install_editable(session, "types")
    session.run("mypy", "--cache-dir", str(Path(session.virtualenv.location) / "mypy-cache"))


@nox.session
def contracts(session: nox.Session) -> None:
    """Check the import contracts: what may know of what."""
    install_groups(session, "contracts")
    search_path = ":".join(str(ROOT / source) for source in SOURCES)
    session.run("lint-imports", "--no-cache", "--no-logo", env={"PYTHONPATH": search_path})


@nox.session
def docs(session: nox.Session) -> None:
    """Check that every public name has a docstring."""
    install_groups(session, "docs")
    session.run("interrogate", "-c", "pyproject.toml", *SOURCES)


@nox.session
def dependencies(session: nox.Session) -> None:
    """Check that each distribution declares what it imports, and imports what it declares."""
    install_editable(session, "dependencies")
    session.run("deptry", "toolchain")
    with session.chdir("runtime_min"):
        session.run("deptry", ".")


@nox.session
def unused(session: nox.Session) -> None:
    """Look for code that nothing uses."""
    install_groups(session, "unused")
    session.run("vulture")


@nox.session
def generated(session: nox.Session) -> None:
    """Check that generated files are what the schema and the command line generate today."""
    install_editable(session)
    for package in ("toolchain.spec", "toolchain.scaffold", "toolchain.diagnostics", "cli.generate"):
        session.run("python", "-m", f"mobileops.{package}", "--check")


@nox.session
def tests(session: nox.Session) -> None:
    """Run unit and property tests on the built, installed wheels, and hold every package to its coverage floor."""
    install_groups(session, "test", "packaging")
    built = build_wheels(session, scratch(session))
    session.install(*built, env=INSTALLER)
    # The version is that of the last run, the contents may not be.
    session.install("--force-reinstall", "--no-deps", *built, env=INSTALLER)
    program = ("coverage", "run", "-m", "pytest", "--installed")
    env = run_pytest(session, "tests/unit", "tests/property", program=program)
    if session.posargs:
        return
    data = Path(env["COVERAGE_FILE"])
    session.run("coverage", "combine", "--quiet", env=env)
    for unfinished in data.parent.glob("data.*"):  # a killed process leaves half a file
        unfinished.unlink()
    measurement = data.with_name("measurement.json")
    session.run("coverage", "json", "--quiet", "-o", str(measurement), env=env)
    session.run("coverage", "report", env=env)
    session.run("python", str(FLOORS), str(measurement), str(ROOT / "pyproject.toml"))


@nox.session
def mutants(session: nox.Session) -> None:
    """Damage every constraint of the schema, and count what no example notices."""
    install_editable(session, "test")
    session.run("python", "-m", "tests.property.schema_mutants")


@nox.session
def editors(session: nox.Session) -> None:
    """Drive the language services of editors with the schema, as an editor does."""
    install_editable(session, "test")
    session.install(CHECK_JSONSCHEMA)
    services = install_npm(session, ROOT / "tests" / "editors")
    session.env["EDITOR_SERVICES"] = str(services)
    # Not run_pytest: it empties the folder that has the services.
    session.run("pytest", "-o", f"cache_dir={services / 'pytest'}", *(session.posargs or ("tests/editors",)))


@nox.session
def interop(session: nox.Session) -> None:
    """Sign with, and be verified by, independent implementations of Sigstore; verify what the public one signed."""
    install_editable(session, "test")
    session.install("pip")
    services = install_npm(session, ROOT / "tests" / "interop")
    wanted = ("--require-hashes", "-r", str(ROOT / "tests" / "conformance" / "published.txt"))
    download = ("pip", "download", "--quiet", "--no-deps", "--no-binary", "pypi-attestations", *wanted)
    session.run("python", "-m", *download, "-d", str(services))
    session.env["INTEROP_SERVICES"] = str(services)
    session.run(
        "pytest", "-o", f"cache_dir={services / 'pytest'}", *(session.posargs or ("tests/interop", "tests/conformance"))
    )


@nox.session(default=False)
def conformance(session: nox.Session) -> None:
    """Run the verification cases of a checkout of sigstore-conformance: ``nox -s conformance -- FOLDER``."""
    install_editable(session, "test")
    if not session.posargs:
        session.error("name a checkout of github.com/sigstore/sigstore-conformance: nox -s conformance -- FOLDER")
    session.run("python", "-m", "tests.conformance.suite", *session.posargs)


@nox.session
def packaging(session: nox.Session) -> None:
    """Try the packaging traps, the scripts of the checkout, and break every import contract once."""
    install_groups(session, "packaging")
    run_pytest(session, "tests/packaging")


@nox.session
def integration(session: nox.Session) -> None:
    """Drive the whole chain through the command line."""
    install_editable(session, "test")
    run_pytest(session, "tests/integration")


@nox.session
def cpus(session: nox.Session) -> None:
    """Pack a folder on this processor, emulated ones and every installed Python; make system calls on aarch64."""
    if not all(map(shutil.which, ("qemu-x86_64", "qemu-aarch64", "apt-get"))):
        session.error("install Debian's qemu-user, or run .ci/run, which does")
    install_editable(session, "cpus")
    folder = scratch(session)
    program = str(ROOT / ".ci" / "same_bytes.py")
    session.run("python", program, "make", str(folder / "source"))
    python = shutil.which("python", path=session.bin) or "python"
    machines: dict[str, tuple[tuple[str, ...], str]] = {"native": ((python,), "")}
    if platform.machine() == "x86_64":
        machines |= {name: (("qemu-x86_64", "-cpu", name, python), "") for name in EMULATED}
    for other, version in other_pythons().items():
        machines[version] = ((other,), install_for(session, folder / version, version))
    command, version = arm64_python(session, folder / "arm64")
    platform_of_wheels = ("--python-platform", "aarch64-manylinux2014")
    machines["aarch64"] = (command, install_for(session, folder / "wheels", version, *platform_of_wheels))
    found = {}
    for name, (start, search_path) in machines.items():
        arguments = (program, "pack", str(folder / "source"), str(folder / "packed" / name))
        output = session.run(*start, *arguments, env={"PYTHONPATH": search_path}, silent=True, external=True)
        found[name] = str(output).split()[-3:]  # before them qemu may say which features it has not
        session.log(f"{name:>8}: {' '.join(found[name])}")
    bundles, controls = {tuple(line[:2]) for line in found.values()}, {line[2] for line in found.values()}
    if len(bundles) > 1:
        session.error("the bytes of a bundle depend on the processor or on the version of Python")
    if len(controls) == 1:
        session.error("igzip gave the same bytes everywhere: the emulator did not emulate another processor")
    calls = str(ROOT / ".ci" / "aarch64_calls.py")
    session.run(*command, "-B", calls, env={"PYTHONPATH": str(ROOT / "runtime_min")}, external=True)


def other_pythons() -> dict[str, str]:
    """Return the installed Pythons of other versions than this one: program -> version, such as 3.12."""
    found = {}
    for minor in range(11, 20):
        program = shutil.which(f"python3.{minor}")
        if program and minor != sys.version_info.minor:
            asked = subprocess.run([program, "-c", ""], check=False, capture_output=True)  # noqa: S603 - found on PATH
            if asked.returncode == 0:  # a shim of pyenv may have none behind it
                found[program] = f"3.{minor}"
    return found


def arm64_python(session: nox.Session, folder: Path) -> tuple[tuple[str, ...], str]:
    """Unpack an arm64 Python below a folder; return how it is started, and its version."""
    session.run(str(ROOT / ".ci" / "arm64_root.sh"), str(folder), silent=True, external=True)
    command = ("qemu-aarch64", "-L", str(folder / "root"), str(folder / "root" / "usr" / "bin" / "python3"))
    print_version = "import sys; print('%d.%d' % sys.version_info[:2])"
    return command, str(session.run(*command, "-I", "-c", print_version, silent=True, external=True)).strip()


def install_for(session: nox.Session, folder: Path, version: str, *platform_of_wheels: str) -> str:
    """Unpack the wheels that packing needs on another Python into a folder; return the search path with the sources."""
    pinned = [text for text in PYPROJECT["project"]["dependencies"] if text.startswith(("deflate==", "zlib-ng=="))]
    pinned += nox.project.dependency_groups(PYPROJECT, "cpus")
    wheels = ("--python-version", version, "--only-binary", ":all:", *platform_of_wheels)
    session.run("uv", "pip", "install", "--quiet", "--target", str(folder), *wheels, *pinned)
    return ":".join(map(str, (*(ROOT / source for source in SOURCES), folder)))


@nox.session
def escape(session: nox.Session) -> None:
    """Try to get out of the sandbox."""
    install_editable(session, "test")
    run_pytest(session, "--dist=loadgroup", "tests/escape")


@nox.session
def examples(session: nox.Session) -> None:
    """Take every example plugin from its source to a signed bundle, in a copy of its folder."""
    install_editable(session)
    plugins = sorted(manifest.parent for manifest in (ROOT / "examples").glob("*/plugin.json"))
    if not plugins:
        session.error("there is no examples/*/plugin.json")
    folder = scratch(session)
    env = {"MOBILEOPS_HOME": str(folder / "home")}
    for plugin in plugins:
        shutil.copytree(plugin, folder / plugin.name)
        session.install("--require-hashes", "-r", str(plugin / "requirements.txt"))
        with session.chdir(folder):
            for verb in ("validate", "test", "package", "sign", "verify"):
                session.run("mobileops", verb, plugin.name, env=env)


@nox.session(default=False)
def corpus(session: nox.Session) -> None:
    """Run the hostile archives on this reader and on its peers; behind ``--``: folders with archives of others."""
    install_editable(session, "test")
    modules = scratch(session)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(ROOT / "tests" / "corpus" / name, modules)
    with session.chdir(modules):
        session.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", external=True)
    env = {"CORPUS_READERS": str(modules), "PYTHONPATH": str(ROOT)}
    session.run("python", "-W", "ignore", "-m", "tests.corpus.readers", env=env)
    session.run("python", "benchmarks/hostile_archives.py", env=env)
    session.run("python", "-m", "tests.corpus.public", *session.posargs, env=env)
    session.run("python", "-m", "tests.corpus.one_byte", env=env)


@nox.session(default=False)
def benchmarks(session: nox.Session) -> None:
    """Measure, and print each ratio against its named peer."""
    install_editable(session, "packaging", "test")
    session.install(CHECK_JSONSCHEMA)
    for script in sorted((ROOT / "benchmarks").glob("[a-z]*.py")):
        session.run("python", str(script), *session.posargs, env={"PYTHONPATH": str(ROOT)})
