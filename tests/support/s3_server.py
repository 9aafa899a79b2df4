"""A local S3 server (moto) with one bucket."""

import contextlib
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

BUCKET = "archive"
ACCESS = {
    "AWS_ACCESS_KEY_ID": "tester",
    "AWS_SECRET_ACCESS_KEY": "not a real secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@contextlib.contextmanager
def store() -> Iterator[str]:
    """Run a server; yield its endpoint."""
    from moto.server import ThreadedMotoServer

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


def client(endpoint: str) -> Any:
    """Return what writes into the store."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ACCESS["AWS_SECRET_ACCESS_KEY"],
        region_name=ACCESS["AWS_DEFAULT_REGION"],
    )


def put(endpoint: str, folder: Path, prefix: str) -> None:
    """Copy a folder into the bucket."""
    writer = client(endpoint)
    writer.create_bucket(Bucket=BUCKET)
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        key = f"{prefix}{file.relative_to(folder)}"
        writer.put_object(Bucket=BUCKET, Key=key, Body=file.read_bytes())


def write_at(key: str, when: datetime) -> None:
    """Date an object otherwise: the server lives in this process."""
    from moto.s3.models import s3_backends

    (backend,) = (b for account in s3_backends.values() for b in account.values() if b.buckets)
    backend.buckets[BUCKET].keys[key].last_modified = when.replace(tzinfo=None)
