"""Bundles signed with SSH keys: by OpenSSH's own program, or not at all."""

import json
import shutil
import subprocess

import pytest

from scoring.bundles.manifest import MANIFEST_FILE, SIGNATURE_FILE
from scoring.verification.signature_check import check_signature
from tests.support.forgery import flipped, forged, members_of, write_members
from tests.support.recorded_run import Shape, record_run
from tests.support.scoring_command import scoring

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen")
RUN = "org_small_Off"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two keys, a file that allows the first, and a bundle that is signed with it."""
    place = tmp_path_factory.mktemp("signed")
    for name in ("ann", "mallory"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", place / name]
        subprocess.run(made, check=True)
    public = (place / "ann.pub").read_text()
    (place / "allowed").write_text(f'ann@example namespaces="ai-energy-score" {public}')
    record_run(place / "results", Shape(run_id=RUN, samples=20, repetitions=3))
    done = submitted(place, "signed.zip", "ann")
    assert done.returncode == 0, done.stderr
    return place


def submitted(place, out, key, **changes):
    return scoring(
        *("submit", place / "results", "--run", RUN, "--not-official", "--accept-terms", "Ann"),
        *("--out", place / out, "--sign-key", place / key),
        **changes,
    )


def verified(place, out, **changes):
    return scoring("verify", place / out, "--allowed-signers", place / "allowed", **changes)


def test_a_bundle_of_an_allowed_signer_is_verified(place):
    assert SIGNATURE_FILE in members_of(place / "signed.zip")
    done = verified(place, "signed.zip")
    assert done.returncode == 0, done.stdout
    assert "who made the bundle" not in done.stdout
    without = scoring("verify", place / "signed.zip")
    assert without.returncode == 0
    assert "the signature is one of this manifest" in without.stdout


def test_other_signers_other_manifests_and_none_are_not(place):
    assert submitted(place, "other.zip", "mallory").returncode == 0
    assert "signature_wrong" in verified(place, "other.zip").stdout
    members = members_of(place / "signed.zip")
    # The forger's own manifest under the honest signature, and the signature of another bundle.
    terms = json.loads(members["manifest.json"])["terms"] | {"name": "Mallory"}
    write_members(place / "forged.zip", forged(members, terms=terms))
    assert "signature_wrong" in verified(place, "forged.zip").stdout
    assert "signature_wrong" in scoring("verify", place / "forged.zip").stdout
    unsigned = {name: text for name, text in members.items() if name != SIGNATURE_FILE}
    write_members(place / "unsigned.zip", unsigned)
    for done in (verified(place, "unsigned.zip"), scoring("verify", place / "unsigned.zip")):
        assert (done.returncode, "signature_missing" in done.stdout) == (1, True)
    # One that is put on a bundle which says that it has none speaks for nobody.
    write_members(place / "put_on.zip", {**forged(members, signed=False)})
    assert "signature_wrong" in scoring("verify", place / "put_on.zip").stdout
    signature = members[SIGNATURE_FILE]
    changed = {**members, SIGNATURE_FILE: flipped(signature, len(signature) // 2)}
    write_members(place / "flipped.zip", changed)
    for done in (verified(place, "flipped.zip"), scoring("verify", place / "flipped.zip")):
        assert (done.returncode, SIGNATURE_FILE in done.stdout) == (1, True)


def test_every_byte_of_a_signature_counts(place, tmp_path):
    members = members_of(place / "signed.zip")
    signature = members[SIGNATURE_FILE]
    (tmp_path / MANIFEST_FILE).write_bytes(members[MANIFEST_FILE])

    def codes_of(text):
        (tmp_path / SIGNATURE_FILE).write_bytes(text)
        return {type(one).__name__ for one in check_signature(True, tmp_path, None)}

    assert codes_of(signature) == {"NotChecked"}
    flips = (flipped(signature, at, bit) for at in range(len(signature)) for bit in (0, 5))
    other_forms = (
        *(signature + b"\n", b"\n" + signature, signature.replace(b"\n", b"\r\n")),
        *(signature.rstrip(b"\n"), signature + signature, b"", b"\0" * 20_000),
    )
    passed = [text for text in (*flips, *other_forms) if codes_of(text) != {"FailedPoint"}]
    assert passed == []


def test_a_program_that_cannot_be_run_is_told(place, tmp_path):
    program = tmp_path / "ssh-keygen"
    program.write_text("no program")
    program.chmod(0o755)
    done = submitted(place, "none.zip", "ann", PATH=str(tmp_path))
    assert (done.returncode, "cannot sign" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_a_signature_for_another_purpose_does_not_count(place):
    members = members_of(place / "signed.zip")
    manifest = place / "manifest.json"
    manifest.write_bytes(members["manifest.json"])
    sign = ["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", place / "ann", manifest]
    subprocess.run(sign, check=True, capture_output=True)
    changed = {**members, SIGNATURE_FILE: (place / "manifest.json.sig").read_bytes()}
    write_members(place / "purpose.zip", changed)
    assert "signature_wrong" in verified(place, "purpose.zip").stdout


def test_without_openssh_it_is_told(place, tmp_path):
    bare = {"PATH": str(tmp_path)}
    done = submitted(place, "none.zip", "ann", **bare)
    assert (done.returncode, "ssh-keygen: is not on this machine" in done.stderr) == (2, True)
    assert not (place / "none.zip").exists()
    assert "signature_wrong" in verified(place, "signed.zip", **bare).stdout
    unasked = scoring("verify", place / "signed.zip", **bare)
    assert unasked.returncode == 0
    assert "not checked: manifest.json.sig: the signature" in unasked.stdout


def test_a_file_of_signers_that_is_none_is_told(place):
    done = scoring("verify", place / "signed.zip", "--allowed-signers", place / "absent")
    assert (done.returncode, "is no file" in done.stderr) == (2, True)
    (place / "two").write_text(f"x@example,y@example {(place / 'ann.pub').read_text()}")
    done = scoring("verify", place / "signed.zip", "--allowed-signers", place / "two")
    assert done.returncode == 0, done.stdout


def test_a_key_that_is_none_is_told(place):
    done = submitted(place, "none.zip", "allowed")
    assert done.returncode == 2
    assert "cannot sign" in done.stderr
    assert "Traceback" not in done.stderr
