"""Identity stays in the vault, and nothing leaves the machine."""

import csv
import io
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pydicom
import pytest
from night import MAIN, Hospital, Screening, environment, open_lake
from orthanc import PASSWORD, USER, needs_orthanc, running

from screening.lake import Vault

NAME = "CANARYNAME^ZEPHYRINE"
NUMBER = "CANARY774411"
ACCESSION = "CANARYACC9"
DESCRIPTION = "chest of Canarydescription"
UIDS = ("2.25.775577557755.1", "2.25.775577557755.2")
FOLDER = "Canaryfolder"
CANARIES = (
    b"CANARYNAME", b"ZEPHYRINE", NUMBER.encode(), b"CANARYACC9", b"Canarydescription",
    b"2.25.775577557755", b"Canaryfolder", b"canary774411",
)  # fmt: skip


@pytest.fixture(scope="module")
def canary_archive(hospital: Hospital, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One good series, one that will fail and one scout, all full of names."""
    archive = tmp_path_factory.mktemp("canary") / FOLDER
    archive.mkdir()
    per_series: dict[str, list[Path]] = {}
    for path in sorted(hospital.archive.rglob("*")):
        if path.is_file():
            try:
                header = pydicom.dcmread(path, stop_before_pixels=True)
            except (pydicom.errors.InvalidDicomError, OSError):
                continue
            if header.get("Modality") == "CT":
                per_series.setdefault(str(header.SeriesInstanceUID), []).append(path)
    biggest = sorted(per_series.values(), key=len)[-2:]
    for number, paths in enumerate(biggest):
        for place, path in enumerate(paths):
            dataset = pydicom.dcmread(path)
            dataset.PatientName = NAME
            dataset.PatientID = NUMBER
            dataset.AccessionNumber = ACCESSION
            dataset.SeriesDescription = DESCRIPTION
            dataset.StudyInstanceUID = UIDS[0]
            dataset.SeriesInstanceUID = f"{UIDS[1]}.{number}"
            dataset.SOPInstanceUID = f"{UIDS[1]}.{number}.{place}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            if number == 1 and place == 5:
                dataset.Rows = 3  # what decoding chokes on
            dataset.save_as(archive / f"{NAME}-{number}-{place}.dcm")
    return archive


def everything_written(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.name.encode() + b"\n" + path.read_bytes()


def test_no_canary_outside_the_vault(
    screening: Screening, canary_archive: Path, tmp_path: Path
) -> None:
    lake, temporary = tmp_path / "lake", tmp_path / "tmp"
    temporary.mkdir()
    done = screening(
        "sweep", "--archive", str(canary_archive), "--lake", str(lake), TMPDIR=str(temporary)
    )
    assert done.returncode == 0, done.stderr
    outputs = [done.stdout, done.stderr]
    keys = open_lake(lake).read("series")["series_key"].to_pylist()
    assert keys
    for arguments in (
        ["status", "--lake", str(lake), "--json"],
        ["flagged", "--lake", str(lake), "--format", "json"],
        *(["explain", "--lake", str(lake), key, "--out", str(tmp_path / "p.png")] for key in keys),
    ):
        asked = screening(*arguments)
        assert asked.returncode == 0, asked.stderr
        outputs += [asked.stdout, asked.stderr]
    for text in outputs:
        assert not [c for c in CANARIES if c in text.encode()]
    searched = 0
    for path, body in everything_written(tmp_path):
        searched += 1
        assert not [c for c in CANARIES if c in body], path.relative_to(tmp_path)
    assert searched > 20


@needs_orthanc
@pytest.mark.parametrize("kind", ["web", "dimse"])
def test_no_canary_from_a_server(
    screening: Screening, canary_archive: Path, tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    """Where paths are UIDs, a wrong one is asked for, and libraries like to log both."""
    folder = tmp_path_factory.mktemp("server")
    lake, temporary = folder / "lake", folder / "tmp"
    temporary.mkdir()
    with running(tmp_path_factory.mktemp("orthanc")) as orthanc:
        orthanc.store(sorted(canary_archive.iterdir()))
        orthanc.file_of(f"{UIDS[1]}.0").unlink()  # one of its files cannot be delivered
        done = screening(
            "sweep", "--archive", getattr(orthanc, kind), "--lake", str(lake), "--json",
            TMPDIR=str(temporary), SCREENING_ARCHIVE_USER=USER, SCREENING_ARCHIVE_PASSWORD=PASSWORD,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"]["seen"] > 0
    told = (done.stdout + done.stderr).encode()
    for secret in (*CANARIES, PASSWORD.encode()):
        assert secret not in told
        for path, body in everything_written(folder):
            assert secret not in body, path.relative_to(folder)


def test_errors_name_no_patient(screening: Screening, canary_archive: Path) -> None:
    done = screening("score", str(canary_archive), "--json")
    assert done.returncode == 2
    assert not [c for c in CANARIES if c in (done.stdout + done.stderr).encode()]


def test_identity_is_given_only_for_a_reason_and_that_is_written_down(
    screening: Screening, swept: Path, hospital: Hospital
) -> None:
    bare = screening("flagged", "--lake", str(swept), "--format", "json", "--identified")
    assert bare.returncode == 2
    assert "--reason" in bare.stderr
    done = screening(
        "flagged", "--lake", str(swept), "--format", "csv", "--identified", "--reason", "call back"
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    truth = pq.read_table(hospital.truth).to_pylist()
    flagged = {
        (r["issuer"], Vault.normalise_mrn(r["patient_id"]))
        for r in truth
        if r["kind"] == "person" and r["expected_flag"] == "flagged" and not r["is_borderline"]
    }
    shown = {(r["issuer"], Vault.normalise_mrn(r["patient_id"])) for r in rows}
    assert flagged
    assert flagged <= shown


NETWORK_TRAP = """
set -e
ip link set lo up
ip link add trap type veth peer name deadend
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 || true
ip address add 192.0.2.1/24 dev trap
ip link set deadend up
ip link set trap up
ip route add default dev trap
before=$(cat /sys/class/net/trap/statistics/tx_packets)
"$@"
after=$(cat /sys/class/net/trap/statistics/tx_packets)
echo "packets that tried to leave: $((after - before))"
test "$after" = "$before"
"""


def in_the_trap(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run in a network of its own: loopback, and a default route that counts every packet."""
    script = "mount -t sysfs sysfs /sys\n" + NETWORK_TRAP
    return subprocess.run(
        ["unshare", "-n", "-m", "bash", "-c", script, "trap", *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=600,
    )


def can_make_networks() -> bool:
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("ip")):
        return False
    script = "mount -t sysfs s /sys && ip link add trap type veth peer name deadend"
    probe = ["unshare", "-n", "-m", "bash", "-c", script]
    return subprocess.run(probe, capture_output=True).returncode == 0


needs_networks = pytest.mark.skipif(
    not can_make_networks(), reason="needs root, unshare and iproute2 with veth"
)


@needs_networks
def test_the_trap_catches_what_tries_to_leave() -> None:
    """So that the test below can fail."""
    knock = "import socket; s = socket.socket(); s.settimeout(1); s.connect_ex(('192.0.2.77', 80))"
    done = in_the_trap([MAIN[0], "-c", knock])
    assert "packets that tried to leave: 0" not in done.stdout
    assert done.returncode != 0


@needs_networks
def test_a_sweep_needs_and_tries_no_network(hospital: Hospital, tmp_path: Path) -> None:
    done = in_the_trap([*MAIN, *hospital.sweep_arguments(tmp_path / "lake")])
    assert "packets that tried to leave: 0" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
