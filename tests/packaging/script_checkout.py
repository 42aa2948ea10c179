"""A checkout of the scripts alone, with a stand-in for uv: what they decide shows without downloading anything."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.packaging.checkout_copy import ROOT

SCRIPTS = ("plugin_manager.sh", "test_suite.sh", "system_log_collector.sh")
PARTS = (
    *SCRIPTS,
    "toolchain/environment.sh",
    "toolchain/start.py",
    "pyproject.toml",
    "runtime_min/pyproject.toml",
    "noxfile.py",
)
TOOLS = ("sh", "cat", "chmod", "cksum", "ln", "mkdir", "mv", "readlink", "rm")

# Makes environments whose commands print what they were called with. With $GATE it stops in the middle of an
# installation: it says so through one pipe and goes on when it reads from the other.
FAKE_UV = """#!/bin/sh
echo "$@" >>"$UV_LOG"
case $1 in
venv)
    for environment; do :; done
    mkdir -p "$environment/bin"
    printf '#!/bin/sh\\n[ "$1" = -S ] || exec "%s" "$@"\\nshift 2\\nexec "${0%%/python}/mobileops" "$@"\\n' "$4" \\
        >"$environment/bin/python"
    chmod +x "$environment/bin/python"
    echo "home = ${4%/*}" >"$environment/pyvenv.cfg"
    ;;
pip)
    if [ -n "${GATE-}" ]; then
        echo started >"$GATE/started"
        read -r go <"$GATE/go"
    fi
    [ -z "${UV_FAILS-}" ] || exit 1
    for command in mobileops nox; do
        printf '#!/bin/sh\\nprintf "%%s\\\\n" %s "$@"\\n' "$command" >"${5%/python}/$command"
        chmod +x "${5%/python}/$command"
    done
    ;;
esac
"""


@dataclasses.dataclass(frozen=True, slots=True)
class ScriptCheckout:
    """A folder with the scripts, the programs they may use, and the record of what was asked of uv."""

    root: Path
    programs: Path
    log: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": str(self.programs), "HOME": str(self.home), "UV_LOG": str(self.log), "LC_ALL": "C"}

    @property
    def installations(self) -> int:
        """Count the set-ups that got as far as installing."""
        return self.log.read_text().count("pip install") if self.log.exists() else 0

    def start(self, script: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a script in a process group of its own, as a terminal would."""
        return subprocess.Popen(
            [self.root / script, *arguments],
            cwd=self.home,
            env=self.environment | variables,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a script to its end."""
        with self.start(script, *arguments, **variables) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def add_program(self, name: str, text: str) -> None:
        """Put a program on PATH, or replace one."""
        program = self.programs / name
        program.unlink(missing_ok=True)
        program.write_text(text)
        program.chmod(0o755)


def make_script_checkout(folder: Path, *, interpreter: str | None = None) -> ScriptCheckout:
    """Copy the scripts into a folder whose name has a space, and make a PATH with nothing else on it."""
    root = folder / "my checkout"
    for part in PARTS:
        (root / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, root / part)
    made = ScriptCheckout(root=root, programs=folder / "bin", log=folder / "uv.log", home=folder / "home")
    made.home.mkdir()
    made.programs.mkdir()
    for tool in TOOLS:
        (made.programs / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    made.add_program("python3.11", f'#!/bin/sh\nexec "{interpreter or os.path.realpath(sys.executable)}" "$@"\n')
    made.add_program("uv", FAKE_UV)
    return made


def interpreter_for_everyone() -> str | None:
    """Find a Python that another user can reach; one in somebody's home folder is not."""
    installed = [found for minor in range(20, 10, -1) if (found := shutil.which(f"python3.{minor}", path=os.defpath))]
    for candidate in map(os.path.realpath, [sys.executable, *installed]):
        if all(folder.stat().st_mode & 0o001 for folder in Path(candidate).parents):
            return candidate
    return None
