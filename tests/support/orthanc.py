"""A real Orthanc on loopback: its own settings and storage, started and stopped at will."""

import contextlib
import json
import os
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import requests

USER, PASSWORD = "sweeper", "correct horse"
AET = "ORTHANC"
CALLING = "SCREENING"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
needs_orthanc = pytest.mark.skipif(
    not (shutil.which("Orthanc") and PLUGIN.exists()),
    reason="needs the Debian packages orthanc and orthanc-dicomweb",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Orthanc:
    """One server; what it stores outlives `stop`."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.http_port, self.dicom_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "Name": "test",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "Plugins": [str(PLUGIN)],
            "HttpPort": self.http_port,
            "DicomPort": self.dicom_port,
            "DicomAet": AET,
            "DicomServerEnabled": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowFind": True,
            "DicomCheckCalledAet": True,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "SslEnabled": False,
            "OverwriteInstances": True,
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            **settings,
        }
        (folder / "orthanc.json").write_text(json.dumps(config))

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.http_port}/dicom-web"

    @property
    def dimse(self) -> str:
        return f"dicom://{AET}@127.0.0.1:{self.dicom_port}"

    @property
    def session(self) -> requests.Session:
        session = requests.Session()
        session.auth = (USER, PASSWORD)
        session.trust_env = False
        return session

    def ask(self, method: str, path: str, **how: object) -> requests.Response:
        """Speak Orthanc's own language, as its administrator does."""
        with self.session as session:
            url = f"http://127.0.0.1:{self.http_port}{path}"
            answer = session.request(method, url, timeout=30, **how)  # type: ignore[arg-type]
        answer.raise_for_status()
        return answer

    def file_of(self, series: str) -> Path:
        """Return the stored file of one instance of a series."""
        asked = {"Level": "Instance", "Query": {"SeriesInstanceUID": series}, "Expand": True}
        sop = self.ask("POST", "/tools/find", json=asked).json()[0]["MainDicomTags"][
            "SOPInstanceUID"
        ]
        for file in (self.folder / "storage").rglob("*"):
            if file.is_file():
                with file.open("rb") as handle:
                    head = handle.read(4096)
                if head[128:132] == b"DICM" and sop.encode() in head:
                    return file
        raise AssertionError("no such series")

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["Orthanc", str(self.folder / "orthanc.json")],
                stdout=log,
                stderr=log,
                env={**os.environ, "MALLOC_ARENA_MAX": "2"},
            )
        for _ in range(300):
            with contextlib.suppress(requests.ConnectionError):
                self.ask("GET", "/system")
                return
            assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.1)
        raise AssertionError("Orthanc did not start")

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)

    def store(self, files: Iterable[Path]) -> int:
        """Store the files that are DICOM; return how many instances are there now."""
        with self.session as session:
            for file in files:
                url = f"http://127.0.0.1:{self.http_port}/instances"
                session.post(url, data=file.read_bytes(), timeout=60)
        return int(self.ask("GET", "/statistics").json()["CountInstances"])


@contextlib.contextmanager
def tls_front(port: int, certificate: Path, key: Path) -> Iterator[int]:
    """Take TLS connections for a plain port, as a site's proxy does; yield the port.

    Debian's Orthanc 1.10.1 ends with a segmentation fault at its first HTTPS request.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Front(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as outer,
                socket.create_connection(("127.0.0.1", port)) as inner,
            ):
                back = threading.Thread(target=_copy, args=(inner, outer), daemon=True)
                back.start()
                _copy(outer, inner)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Front) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def running(folder: Path, **settings: object) -> Iterator[Orthanc]:
    server = Orthanc(folder, **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()
