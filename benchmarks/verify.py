"""Verifying a bundle against the stock ``sigstore`` program, and against the bare library in one process.

Run it with the Python that has the toolchain: ``python benchmarks/verify.py [--json FILE] [--rounds N]``.
The stock program checks the signature and the digest of the archive; ``verify`` checks names, manifest, every member
and the policy as well. The import of sigstore-python dominates both processes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from _timing import Contender, as_json, measure, report
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

from mobileops.runtime.trust import TrustPolicy, verify
from mobileops.toolchain.pack import pack
from mobileops.toolchain.sign import LocalInstance, LocalSigner, sign_bundle

SUBJECT = "mobileops verify"
IDENTITY = "bench@localhost"
MANIFEST = {
    "name": "bench",
    "version": "1.0.0",
    "description": "A bundle to verify",
    "author": "Nobody",
    "license": "MIT",
    "type": "service",
    "entry_point": "main.py",
}
VERIFY = """
import sys
from pathlib import Path
from mobileops.runtime.trust import TrustPolicy, verify
verify(Path(sys.argv[1]), policy=TrustPolicy.default(local_root=Path(sys.argv[2])), pins={}).bundle.close()
"""


def release(folder: Path) -> tuple[Path, LocalInstance]:
    """Pack and sign a plugin of 50 files with 2 MB."""
    source = folder / "source"
    source.mkdir()
    (source / "plugin.json").write_text(json.dumps(MANIFEST))
    (source / "main.py").write_text("print('hello')\n")
    for number in range(50):
        (source / f"part{number}.py").write_text(f"value = {number}\n" * 3000)
    archive = pack(source, folder / "dist").path
    instance = LocalInstance.open_or_create(folder / "instance")
    sign_bundle(archive, signer=LocalSigner(instance, IDENTITY))
    return archive, instance


def cold(archive: Path, instance: LocalInstance, folder: Path) -> list[Contender]:
    """Return whole processes."""
    configuration = folder / "trust_config.json"
    configuration.write_bytes(instance.client_trust_config_json())
    stock = [sys.executable, "-m", "sigstore", "--trust-config", str(configuration), "verify", "identity", "--offline"]
    stock += ["--cert-identity", IDENTITY, "--cert-oidc-issuer", instance.issuer, str(archive)]
    root = str(instance.directory / "trusted_root.json")
    return [
        Contender(SUBJECT, [sys.executable, "-c", VERIFY, str(archive), root]),
        Contender("sigstore verify identity", stock),
        Contender("import sigstore.verify", [sys.executable, "-c", "import sigstore.verify"]),
    ]


def warm(archive: Path, instance: LocalInstance) -> list[Contender]:
    """Return calls in this process."""
    root = instance.directory / "trusted_root.json"
    raw = Path(f"{archive}.sigstore.json").read_bytes()

    def bare() -> object:
        verifier = Verifier(trusted_root=TrustedRoot.from_file(str(root)))
        return verifier.verify_dsse(Bundle.from_json(raw), Identity(identity=IDENTITY, issuer=instance.issuer))

    def ours() -> None:
        verify(archive, policy=TrustPolicy.default(local_root=root), pins={}).bundle.close()

    return [Contender(SUBJECT, call=ours), Contender("verify_dsse alone", call=bare)]


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mobileops-bench-") as folder:
        archive, instance = release(Path(folder))
        processes = measure(cold(archive, instance, Path(folder)), rounds=options.rounds)
        calls = measure(warm(archive, instance), rounds=options.rounds)
    reports = [
        report("verify, whole process", processes, subject=SUBJECT),
        report("verify, in one process", calls, subject=SUBJECT),
    ]
    if options.json:
        options.json.write_text(as_json(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
