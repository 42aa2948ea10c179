"""Verifying a bundle: against the stock ``sigstore`` program, against the bare library, and again from memory.

Run it with the Python that has the toolchain: ``python benchmarks/verify.py [--json FILE] [--rounds N]``.
The stock program checks the signature and the digest of the archive; ``verify`` checks names, manifest, every member
and the policy as well. The import of sigstore-python dominates both processes; a signature of a key needs none.

In one process the bundle is one small file, where the signature is nearly all the work. sigstore-python is measured as
its program uses it, reading the root each time like ``verify`` does, and as a service would, with a ``Verifier`` that
is kept; both read signature and archive, and compare the digest of the archive with the signed subjects. Compared is
first what both sides do, the signature decision, then the whole of ``verify``, which also opens the archive strictly,
checks the manifest and every member, and applies policy, pins and revocations.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from _timing import Contender, as_json, measure, report
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

from mobileops.runtime.home import Home
from mobileops.runtime.trust import TrustPolicy, _sigstore, anchors, signature_file, verify
from mobileops.toolchain.pack import pack
from mobileops.toolchain.sign import KeySigner, LocalInstance, LocalSigner, sign_bundle

SUBJECT = "mobileops verify"
KEYED = "mobileops verify, with a key"
REMEMBERED = "mobileops verify, again"
DECISION = "mobileops, the signature"
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


def release(folder: Path, *, parts: int) -> tuple[Path, LocalInstance]:
    """Pack and sign a plugin of ``parts`` files with 40 kB each, and a small one."""
    source = folder / "source"
    source.mkdir(parents=True)
    (source / "plugin.json").write_text(json.dumps(MANIFEST))
    (source / "main.py").write_text("print('hello')\n")
    for number in range(parts):
        (source / f"part{number}.py").write_text(f"value = {number}\n" * 3000)
    archive = pack(source, folder / "dist").path
    instance = LocalInstance.open_or_create(folder / "instance")
    sign_bundle(archive, signer=LocalSigner(instance, IDENTITY))
    return archive, instance


def _program(name: str) -> str:
    """Return the program that installing a package put beside this Python: what a person runs."""
    return str(Path(sys.executable).with_name(name))


def cold(archive: Path, instance: LocalInstance, folder: Path) -> list[Contender]:
    """Return whole processes."""
    configuration = folder / "trust_config.json"
    configuration.write_bytes(instance.client_trust_config_json())
    stock = [_program("sigstore"), "--trust-config", str(configuration), "verify", "identity", "--offline"]
    stock += ["--cert-identity", IDENTITY, "--cert-oidc-issuer", instance.issuer, str(archive)]
    root = str(instance.directory / "trusted_root.json")
    return [
        Contender(SUBJECT, [sys.executable, "-c", VERIFY, str(archive), root]),
        Contender("sigstore verify identity", stock),
        Contender("import sigstore.verify", [sys.executable, "-c", "import sigstore.verify"]),
    ]


def again(archive: Path, folder: Path) -> list[Contender]:
    """Return whole processes of the command line: with a key, and answered from memory."""
    keyed = folder / "keyed" / archive.name
    keyed.parent.mkdir()
    shutil.copy(archive, keyed)
    key = ec.generate_private_key(ec.SECP256R1())
    sign_bundle(keyed, signer=KeySigner(key))
    home = Home(folder / "home").prepare()
    (home.root / "fleet.pub").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    roots = {"local": {"local_instance": True, "assurance": "local"}}
    policy = {"version": 1, "roots": roots, "publishers": [{"plugins": ["bench"], "key": "fleet.pub"}]}
    home.trust_policy.write_text(json.dumps(policy))
    command = ["env", f"MOBILEOPS_HOME={home.root}", _program("mobileops"), "verify", str(keyed)]
    subprocess.run(command, check=True, capture_output=True)

    def forget() -> None:
        for entry in home.verdicts.iterdir():
            entry.unlink()

    def remember() -> None:
        subprocess.run(command, check=True, capture_output=True)

    return [
        Contender(KEYED, command, prepare=forget),
        Contender(REMEMBERED, command, prepare=remember),
        Contender("python -c pass", ["env", "A=B", sys.executable, "-c", "pass"]),
    ]


def warm(archive: Path, instance: LocalInstance) -> list[Contender]:
    """Return calls in this process: the signature decision of both sides, and the whole of ours."""
    root = instance.directory / "trusted_root.json"
    signature = Path(f"{archive}.sigstore.json")
    accepts = Identity(identity=IDENTITY, issuer=instance.issuer)
    policy = TrustPolicy.default(local_root=root)
    kept = Verifier(trusted_root=TrustedRoot.from_file(str(root)))

    def names_archive(payload_type: str, payload: bytes) -> None:
        """Do what the program does after ``verify_dsse``, which looks at neither type, subject nor archive."""
        assert payload_type == "application/vnd.in-toto+json"
        with archive.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        assert found in {subject["digest"]["sha256"] for subject in json.loads(payload)["subject"]}

    def library(verifier: Verifier) -> None:
        names_archive(*verifier.verify_dsse(Bundle.from_json(signature.read_bytes()), accepts))

    def decide() -> None:
        checked = _sigstore.check(signature_file.read(signature), anchors.read(policy.rules.roots).trusted_roots)
        assert (checked.identity, checked.issuer) == (IDENTITY, instance.issuer)
        names_archive(checked.payload_type, checked.payload)

    def whole() -> None:
        verify(archive, policy=policy, pins={}).bundle.close()

    return [
        Contender(DECISION, call=decide),
        Contender(SUBJECT, call=whole),
        Contender(
            "sigstore-python, root read", call=lambda: library(Verifier(trusted_root=TrustedRoot.from_file(str(root))))
        ),
        Contender("sigstore-python, verifier kept", call=lambda: library(kept)),
    ]


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mobileops-bench-") as folder:
        archive, instance = release(Path(folder) / "large", parts=50)
        contenders = cold(archive, instance, Path(folder)) + again(archive, Path(folder))
        processes = measure(contenders, rounds=options.rounds)
        calls = measure(warm(*release(Path(folder) / "small", parts=0)), rounds=30 * options.rounds)
    keyed = [result for result in processes if result.name in {KEYED, "sigstore verify identity"}]
    remembered = [result for result in processes if result.name in {REMEMBERED, "python -c pass"}]
    certified = [result for result in processes if result.name not in {KEYED, REMEMBERED, "python -c pass"}]
    decisions = [result for result in calls if result.name != SUBJECT]
    wholes = [result for result in calls if result.name != DECISION]
    reports = [
        report("verify, whole process", certified, subject=SUBJECT),
        report("verify a signature of a key, whole process (goal: 0.25)", keyed, subject=KEYED),
        report("verify again, whole process (goal: 3)", remembered, subject=REMEMBERED),
        report("the signature decision, in one process", decisions, subject=DECISION),
        report("the whole of verify, in one process (goal: 1.2)", wholes, subject=SUBJECT),
    ]
    if options.json:
        options.json.write_text(as_json(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
