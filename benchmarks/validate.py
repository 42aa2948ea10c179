"""What checking a manifest costs: a cold process, all diagnostics of a bad one, and ten thousand good ones.

Run it with the Python that has the product, jsonschema and check-jsonschema:
``python benchmarks/validate.py [--json FILE] [--rounds N] [--manifests N]``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import jsonschema
from _timing import Contender, Result, as_json, measure, report

from mobileops import manifest

SCHEMA = Path(__file__).parents[1] / "schema"
SCHEMA_FILE = SCHEMA / "plugin" / "v1" / "plugin.schema.json"
GOOD = SCHEMA / "examples" / "valid" / "mission-processing.json"
BAD = SCHEMA / "examples" / "invalid" / "every-layer-at-once.json"
GOALS = {"cold": 2.0, "diagnostics": 0.5, "warm": 0.2}
PLUGIN_CLASS = "from mobileops.plugin import ProcessingPlugin\nclass DataProcessor(ProcessingPlugin):\n    pass\n"
FINDINGS = 1  # the exit code of both programs for a manifest with findings

VALIDATE = "from mobileops.cli.main import main\nraise SystemExit(main())\n"
EXPECTED = f"""
try:
    main()
except SystemExit as end:
    code = end.code
raise SystemExit(code != {FINDINGS})
"""
OURS = "import sys\nfrom mobileops.cli.main import main as run\ndef main(): raise SystemExit(run())\n" + EXPECTED
PEER = "from check_jsonschema import main\n" + EXPECTED


def process(code: str, *words: str) -> list[str]:
    """Return the command for a program, in the same interpreter and mode for every contender."""
    return [sys.executable, "-I", "-c", code, *words]


def cold(folder: Path) -> tuple[Contender, list[Contender]]:
    """Return who checks one good manifest in a process of its own: its file, and a whole plugin around one."""
    plugin = folder / "good"
    plugin.mkdir()
    (plugin / "plugin.json").write_text(json.dumps(json.loads(GOOD.read_bytes()) | {"dependencies": []}))
    (plugin / "main.py").write_text(PLUGIN_CLASS)
    subject = Contender("mobileops validate plugin.json", process(VALIDATE, "validate", str(GOOD)))
    whole = Contender("mobileops validate FOLDER", process(VALIDATE, "validate", str(plugin)))
    return subject, [subject, whole, Contender("python -I -c 'import json'", process("import json"))]


def show_shares(results: list[Result]) -> None:
    """Print how many times the cost of the floor each other contender has; for the whole plugin there is no goal."""
    *others, floor = results
    for result in others:
        wall, best, cpu = (getattr(result, kind) / getattr(floor, kind) for kind in ("median_s", "best_s", "cpu_s"))
        print(f"  {result.name}: {wall:.2f} x the floor (best {best:.2f} x, processor time {cpu:.2f} x)")


def diagnostics(folder: Path) -> tuple[Contender, list[Contender]]:
    """Return who says everything that is wrong with a bad manifest."""
    plugin = folder / "bad"
    plugin.mkdir()
    shutil.copy(BAD, plugin / "plugin.json")
    subject = Contender("mobileops validate", process(OURS, "validate", str(plugin)))
    peer = process(PEER, "--schemafile", str(SCHEMA_FILE), str(plugin / "plugin.json"))
    return subject, [subject, Contender("check-jsonschema", peer)]


def warm(count: int) -> tuple[Contender, list[Contender]]:
    """Return who checks many good manifests in one process."""
    document = json.loads(GOOD.read_bytes())
    texts = [json.dumps(document | {"name": f"plugin-{number}"}).encode() for number in range(count)]
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_bytes()))

    def ours() -> None:
        assert not any(manifest.check(manifest.loads(text, where="plugin.json")) for text in texts)

    def theirs() -> None:
        assert all(validator.is_valid(json.loads(text)) for text in texts)

    subject = Contender(f"check {count} manifests", call=ours)
    return subject, [subject, Contender("jsonschema", call=theirs)]


def main() -> None:
    """Measure, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--manifests", type=int, default=10_000)
    arguments = parser.parse_args()
    reports = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MOBILEOPS_HOME"] = str(Path(folder) / "home")
        for title, (subject, contenders), rounds in (
            ("cold", cold(Path(folder)), arguments.rounds),
            ("diagnostics", diagnostics(Path(folder)), arguments.rounds),
            ("warm", warm(arguments.manifests), 1),
        ):
            results = measure(contenders, rounds=rounds)
            reports.append(report(f"{title}: goal {GOALS[title]} x", results, subject=subject.name))
            if title == "cold":
                show_shares(results)
    if arguments.json:
        arguments.json.write_text(as_json(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
