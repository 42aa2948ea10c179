"""Every reason for which a bundle is not trusted: its stable code, its outcome, and one line of meaning.

Outcomes are never folded together, because they ask for different acts: ``unsigned`` wants a signature, ``invalid``
wants a fresh copy (what is there was damaged or forged), ``untrusted`` wants a decision of the operator (the signature
holds, its signer is not allowed here).

``MOP30xx`` the signature and its statement, numbered by step of the verification · ``MOP31xx`` trust.
The table in docs/reference/trust.md is compared with this one by a test.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, Self

from mobileops.errors import HostFault, TrustRefused

if TYPE_CHECKING:
    from pathlib import Path

INSTALL_COMMAND: Final = "pip install 'mobileops-runtime[sigstore]'"


class Outcome(enum.StrEnum):
    """What a refusal says about the bundle."""

    UNSIGNED = "unsigned"
    INVALID = "invalid"
    UNTRUSTED = "untrusted"


class Code(enum.StrEnum):
    """A stable code; ``.outcome`` and ``.meaning`` say what it stands for."""

    outcome: Outcome
    meaning: str

    def __new__(cls, value: str, outcome: Outcome, meaning: str) -> Self:
        """Make the string ``value`` with outcome and meaning attached."""
        code = str.__new__(cls, value)
        code._value_ = value
        code.outcome = outcome
        code.meaning = meaning
        return code

    # Step 0: the signature file.
    NO_SIGNATURE = "MOP3000", Outcome.UNSIGNED, "there is no signature file"
    EMPTY = "MOP3001", Outcome.INVALID, "the signature file is empty"
    TOO_LARGE = "MOP3002", Outcome.INVALID, "the signature file is larger than any may be"
    UNREADABLE = "MOP3003", Outcome.INVALID, "the signature is no regular file, or cannot be read"
    NOT_STRICT_JSON = "MOP3004", Outcome.INVALID, "the signature file is not strict JSON"
    MEDIA_TYPE = "MOP3005", Outcome.INVALID, "the file is not a Sigstore bundle of version 0.3"
    SHAPE = "MOP3006", Outcome.INVALID, "a key of the Sigstore bundle is missing, unknown or of another type"
    BASE64 = "MOP3007", Outcome.INVALID, "a value of the Sigstore bundle is not canonical base64"
    COUNT = "MOP3008", Outcome.INVALID, "there is not exactly one signature, log entry or time stamp"

    STRIPPED = "MOP3009", Outcome.UNSIGNED, "there is no signature, and the plugin's name belongs to a signer"

    # Step 1: cryptography.
    SIGNATURE = "MOP3010", Outcome.INVALID, "the signature does not verify"
    IDENTITY = "MOP3011", Outcome.INVALID, "the certificate does not name exactly one identity and one issuer"
    KEY_SIGNATURE = "MOP3012", Outcome.INVALID, "the signature was not made with the key that it names"
    NO_TIME = "MOP3013", Outcome.INVALID, "neither the log nor a time stamp says when it was signed"
    TIME_STAMP = "MOP3014", Outcome.INVALID, "the time stamp does not verify"
    CHAIN = "MOP3015", Outcome.INVALID, "the certificate was not issued by the authority, or not for that time"
    TRANSPARENCY = "MOP3016", Outcome.INVALID, "the certificate's own log entry (SCT) does not verify"
    USAGE = "MOP3017", Outcome.INVALID, "the certificate is not one for signing code"
    INCLUSION = "MOP3018", Outcome.INVALID, "the log entry is not in the log's tree"
    CHECKPOINT = "MOP3019", Outcome.INVALID, "the log's checkpoint does not verify"
    PROMISE = "MOP3020", Outcome.INVALID, "the log's promise and its time do not verify"
    ENVELOPE = "MOP3021", Outcome.INVALID, "payload, payload type or signature are not what was signed"
    LOG_ENTRY = "MOP3022", Outcome.INVALID, "the log entry is about another signature"
    MATERIAL = "MOP3023", Outcome.INVALID, "certificate, log entry or time stamp cannot be parsed"

    # Step 3: the types.
    PAYLOAD_TYPE = "MOP3030", Outcome.INVALID, "the signed payload is not an in-toto statement"
    STATEMENT_JSON = "MOP3031", Outcome.INVALID, "the signed statement is not strict JSON"
    STATEMENT_TYPE = "MOP3032", Outcome.INVALID, "the statement is not of in-toto version 1"
    PREDICATE_TYPE = "MOP3033", Outcome.INVALID, "the statement does not publish a plugin"
    STATEMENT_SHAPE = "MOP3034", Outcome.INVALID, "a key of the statement is missing or of another type"

    # Step 4: the subjects.
    SUBJECT_DIGEST = "MOP3040", Outcome.INVALID, "the archive is not the one that was signed"
    SUBJECT_NAME = "MOP3041", Outcome.INVALID, "the archive was signed under another file name"
    SUBJECT_FILES = "MOP3042", Outcome.INVALID, "the file table is not the one that was signed"
    SUBJECT_MISSING = "MOP3043", Outcome.INVALID, "the statement does not name the two subjects of a bundle"

    # Step 5: the manifest.
    PREDICATE_NAME = "MOP3050", Outcome.INVALID, "the statement names another plugin"
    PREDICATE_VERSION = "MOP3051", Outcome.INVALID, "the statement names another version"
    PREDICATE_MANIFEST = "MOP3052", Outcome.INVALID, "the statement covers another manifest"
    PREDICATE_PERMISSIONS = "MOP3053", Outcome.INVALID, "the statement lists other permissions"

    # Step 6: the members.
    MEMBERS = "MOP3060", Outcome.INVALID, "a member is not what the signed file table says"

    # Trust: the policy file.
    POLICY_UNREADABLE = "MOP3100", Outcome.UNTRUSTED, "the trust policy cannot be read"
    POLICY_JSON = "MOP3101", Outcome.UNTRUSTED, "the trust policy is not strict JSON"
    POLICY_KEY = "MOP3102", Outcome.UNTRUSTED, "the trust policy has an unknown key"
    POLICY_VALUE = "MOP3103", Outcome.UNTRUSTED, "a value of the trust policy is missing or not allowed"
    POLICY_ROOT = "MOP3104", Outcome.UNTRUSTED, "a publisher rule names a root that the policy does not have"
    POLICY_TWICE = "MOP3105", Outcome.UNTRUSTED, "two publisher rules claim the same names"
    ROOT_UNUSABLE = "MOP3106", Outcome.UNTRUSTED, "the file of a pinned root is missing or damaged"
    PIN_MALFORMED = "MOP3107", Outcome.UNTRUSTED, "a recorded pin is damaged"

    POLICY_ROLLBACK = "MOP3108", Outcome.UNTRUSTED, "the trust policy is older than one that this host has seen"
    KEY_UNUSABLE = "MOP3109", Outcome.UNTRUSTED, "a key file of the trust policy is missing or damaged"

    # Step 2: the signer.
    FOREIGN = "MOP3110", Outcome.UNTRUSTED, "no root of the policy issued the signer's certificate"
    ROOT = "MOP3111", Outcome.UNTRUSTED, "the publisher rule demands another root"
    ISSUER = "MOP3112", Outcome.UNTRUSTED, "the publisher rule demands another issuer"
    SIGNER = "MOP3113", Outcome.UNTRUSTED, "the publisher rule demands another identity"
    PIN_CHANGED = "MOP3114", Outcome.UNTRUSTED, "the signer is not the one pinned at the first install"
    PERMISSIONS = "MOP3115", Outcome.UNTRUSTED, "the plugin asks for more than the publisher rule allows"
    KEY = "MOP3116", Outcome.UNTRUSTED, "the publisher rule demands another key"
    REPOSITORY = "MOP3117", Outcome.UNTRUSTED, "the publisher rule demands another repository"
    REPOSITORY_ID = "MOP3118", Outcome.UNTRUSTED, "the repository has the name, but is another one"
    OWNER_ID = "MOP3119", Outcome.UNTRUSTED, "the repository's owner has the name, but is another one"
    WORKFLOW = "MOP3120", Outcome.UNTRUSTED, "the publisher rule demands another workflow"
    REF = "MOP3121", Outcome.UNTRUSTED, "the publisher rule demands another branch or tag"
    TRIGGER = "MOP3122", Outcome.UNTRUSTED, "the publisher rule demands another event to start the build"
    KEY_UNKNOWN = "MOP3123", Outcome.UNTRUSTED, "no root of the policy has the signer's key"
    SQUATTING = "MOP3124", Outcome.UNTRUSTED, "the name looks like one that a publisher rule owns"
    DOWNGRADE_ROOT = "MOP3125", Outcome.UNTRUSTED, "the signer is worth less than the one pinned at the first install"
    DOWNGRADE_KEY = "MOP3126", Outcome.UNTRUSTED, "a key signed, and an identity is pinned"
    PIN_OWNER = "MOP3127", Outcome.UNTRUSTED, "the repository has the pinned name, but is another one"
    KEY_ELSEWHERE = "MOP3128", Outcome.UNTRUSTED, "the key may sign the names of its rule only"

    # Trust: keys, state, refreshing.
    KEY_TYPE = "MOP3130", Outcome.UNTRUSTED, "a key is neither P-256 nor Ed25519"
    STATE_DAMAGED = "MOP3131", Outcome.UNTRUSTED, "the record of the policy's serial is damaged"
    REFRESH_FAILED = "MOP3132", Outcome.UNTRUSTED, "the public root could not be refreshed"
    REFRESH_ROOT = "MOP3133", Outcome.UNTRUSTED, "the refreshed file is not a usable trust root"

    # Step 7: revocation.
    REVOKED = "MOP3170", Outcome.UNTRUSTED, "the bundle is revoked"
    REVOKED_KEY = "MOP3171", Outcome.UNTRUSTED, "the signer's key is revoked"
    REVOKED_IDENTITY = "MOP3172", Outcome.UNTRUSTED, "the signer is revoked"


def refuse(
    code: Code, what: str, *, where: str | Path | None = None, why: str | None = None, fix: str | None = None
) -> TrustRefused:
    """Make the refusal for a code; its ``outcome`` attribute is the outcome of the code, as a string."""
    place = None if where is None else str(where)
    error = TrustRefused(what, code=code.value, where=place, why=why or code.meaning, fix=fix)
    error.outcome = code.outcome.value
    return error


def missing_extra(what: str, *, where: str | None = None) -> HostFault:
    """Return the fault of a host without the optional dependency that certificates and updates need."""
    return HostFault(
        what,
        code="MOP8010",
        where=where,
        why="the package 'sigstore', an optional extra of the runtime, verifies certificates and fetches roots",
        fix=INSTALL_COMMAND,
    )
