"""DICOMweb servers that page in odd ways: pages are followed, repeats seen, counts held."""

import json
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from screening.archive import open_source
from screening.archive.listing import STATS_SCHEMA
from screening.config import ArchiveSettings
from screening.errors import InfrastructureError

TODAY = date(2026, 3, 1)
LIMITS = ArchiveSettings(requests_per_second=0, patience_seconds=3, page=50, older_every_nights=1)
N_STUDIES, N_INSTANCES = 130, 7


class Odd(BaseHTTPRequestHandler):
    """QIDO-RS of 130 studies, one a day; `server.way` says how it misbehaves."""

    def do_GET(self):
        parts = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        server = self.server
        server.n += 1
        if server.way == "busy" and server.n % 50 == 1:
            return self.send_error(503)
        names = parts.path.strip("/").split("/")
        found = self.instances(names[2]) if names[-1] == "instances" else self.studies(query)
        offset = 0 if server.way in ("no offset", "neither") else int(query.get("offset", 0))
        limit = min(int(query["limit"]), 20 if server.way in ("low limit", "neither") else 1000)
        body = json.dumps(found[offset : offset + limit]).encode()
        if server.way == "no json":
            body = b"<html>please log in</html>"
        self.send_response(200)
        self.send_header("Content-Type", "application/dicom+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return self.wfile.write(body)

    def studies(self, query):
        first, _, last = query.get("StudyDate", "-").partition("-")
        first, last = (first, last) if "-" in query.get("StudyDate", "-") else (first, first)
        days = [f"2025{1 + k // 28:02d}{1 + k % 28:02d}" for k in range(N_STUDIES)]
        return [
            {
                "0020000D": {"vr": "UI", "Value": [f"1.2.{k}"]},
                "00080020": {"vr": "DA", "Value": [day]},
                "00201208": {"vr": "IS", "Value": [N_INSTANCES]},
            }
            for k, day in enumerate(days)
            if (first or "0") <= day <= (last or "9")
        ]

    def instances(self, study):
        n = N_INSTANCES - (2 if self.server.way == "fewer" and study == "1.2.3" else 0)
        twice = range(n) if self.server.way != "repeats" else [k // 2 for k in range(2 * n)]
        return [
            {
                "0020000E": {"vr": "UI", "Value": ["1.3"]},
                "00080018": {"vr": "UI", "Value": [f"1.4.{k}"]},
            }
            for k in twice
        ]

    def log_message(self, *_):
        pass


@pytest.fixture
def odd(request):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    server.way, server.n = request.param, 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield open_source(f"http://127.0.0.1:{server.server_port}/dicom-web", LIMITS)
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("odd", "n_unproved"),
    [
        ("well", 0),
        ("no offset", 1),  # what has no date may be among what it never gives
        ("low limit", 0),
        ("neither", 1),
        ("repeats", 0),
        ("busy", 0),
    ],
    indirect=["odd"],
)
def test_everything_is_listed_once(odd, n_unproved):
    listing = odd.list_files(STATS_SCHEMA.empty_table(), TODAY)
    paths = listing.stats["path"].to_pylist()
    assert len(paths) == len(set(paths)) == N_STUDIES * N_INSTANCES
    assert listing.ignored["path"].to_pylist() == ["?/?/None"] * n_unproved


@pytest.mark.parametrize("odd", ["fewer"], indirect=True)
def test_fewer_than_counted_are_told(odd):
    listing = odd.list_files(STATS_SCHEMA.empty_table(), TODAY)
    assert listing.stats.num_rows == N_STUDIES * N_INSTANCES - 2
    assert listing.ignored["reason"].to_pylist() == ["unreachable"] * 2


@pytest.mark.parametrize("odd", ["no json"], indirect=True)
def test_a_page_that_is_no_answer(odd):
    with pytest.raises(InfrastructureError, match="not DICOMweb"):
        odd.list_files(STATS_SCHEMA.empty_table(), TODAY)
