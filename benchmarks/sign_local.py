"""Signing with the local instance and verifying the result, in one cold process, against importing sigstore alone.

Run it with the Python that has the toolchain: ``python benchmarks/sign_local.py [--json FILE] [--rounds N]``.
The bundle has 1 MB that does not compress. The claim: no more than 1.3 times the import of ``sigstore.verify``, which
any program pays that verifies a Sigstore bundle in Python.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from _timing import Contender, as_json, measure, report

from mobileops.toolchain.pack import pack
from mobileops.toolchain.sign import LocalInstance

SUBJECT = "sign, then verify"
BUNDLE_BYTES = 1_000_000
MANIFEST = {
    "name": "bench",
    "version": "1.0.0",
    "description": "A bundle to sign",
    "author": "Nobody",
    "license": "MIT",
    "type": "service",
    "entry_point": "main.py",
}
SIGN = """
import sys
from pathlib import Path
from mobileops.toolchain.sign import LocalInstance, LocalSigner, sign_bundle
bundle, instance = map(Path, sys.argv[1:3])
sign_bundle(bundle, signer=LocalSigner(LocalInstance.open_or_create(instance), "bench@localhost"))
"""
VERIFY = """
from mobileops.runtime.trust import TrustPolicy, verify
verify(bundle, policy=TrustPolicy.default(local_root=instance / "trusted_root.json"), pins={}).bundle.close()
"""


def build(folder: Path) -> Path:
    """Pack a plugin with a megabyte of noise."""
    source = folder / "source"
    source.mkdir()
    (source / "plugin.json").write_text(json.dumps(MANIFEST))
    (source / "main.py").write_text("print('hello')\n")
    (source / "noise.bin").write_bytes(os.urandom(BUNDLE_BYTES))
    return pack(source, folder / "dist").path


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mobileops-bench-") as folder:
        bundle = build(Path(folder))
        instance = Path(folder) / "instance"
        LocalInstance.open_or_create(instance)
        python, arguments = sys.executable, (str(bundle), str(instance))
        contenders = [
            Contender(SUBJECT, [python, "-c", SIGN + VERIFY, *arguments]),
            Contender("sign alone", [python, "-c", SIGN, *arguments]),
            Contender("import sigstore.verify", [python, "-c", "import sigstore.verify"]),
        ]
        results = measure(contenders, rounds=options.rounds)
        assert bundle.with_name(f"{bundle.name}.sigstore.json").exists(), "nothing was signed"
    figures = [report("sign and verify 1 MB, whole process", results, subject=SUBJECT)]
    if options.json:
        options.json.write_text(as_json(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
