"""TLS of a source: what a DSN asks for holds for the checks' driver and for the connector's, each against a real handshake."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from psycopg2.extensions import make_dsn, parse_dsn

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.settings import load_settings
from lakehouse_assets.stack.connections import connections
from lakehouse_assets.stack.connector import connector_config
from lakehouse_assets_tests.real_stack import RealStack

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104  # what a client may ask before it says who it is


@dataclass(frozen=True)
class Authority:
    """A certificate authority: its certificate's file, and the file of a server's certificate and key for `localhost`."""

    certificate: Path
    server: Path


def _authority(folder: Path) -> Authority:
    folder.mkdir()
    signer, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, folder.name)])
    of_itself = _certificate(issuer, issuer, signer, signer, x509.BasicConstraints(ca=True, path_length=None))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    of_server = _certificate(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), issuer, key, signer, names
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    made = Authority(folder / "ca.pem", folder / "server.pem")
    made.certificate.write_bytes(of_itself.public_bytes(pem))
    made.server.write_bytes(of_server.public_bytes(pem) + secret)
    return made


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:  # fmt: skip
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .sign(signer, hashes.SHA256())
    )


class TlsFront:
    """A server that takes TLS alone, before a PostgreSQL that has none: the embedded one is built without it."""

    def __init__(self, authority: Authority, upstream: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(authority.server)
        self._upstream = upstream
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (asked := int.from_bytes((await reader.readexactly(8))[4:])) == _GSS_REQUEST:
            writer.write(b"N")
        if asked != _SSL_REQUEST:
            writer.close()
            return
        writer.write(b"S")
        try:
            await writer.start_tls(self._context)
        except OSError:  # the client does not believe us
            return
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._upstream)
        await asyncio.gather(_pass_on(reader, to_server), _pass_on(from_server, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signed the server's certificate."""
    return _authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority."""
    return _authority(tmp_path_factory.mktemp("tls") / "stranger")


@pytest.fixture
def front(authority: Authority, stack: RealStack) -> Iterator[TlsFront]:
    """TLS before the stack's PostgreSQL."""
    with closing(TlsFront(authority, stack.links.replication.port)) as front:
        yield front


def _validated(stack: RealStack, **words: str) -> list[str]:
    """What Connect says against the connector with that DSN: it opens a connection to find out."""
    dsn = make_dsn(stack.links.replication.dsn, **words)
    parts = parse_dsn(dsn)
    query = "&".join(f"{name}={parts[name]}" for name in ("sslmode", "sslrootcert") if name in parts)
    address = f"postgresql://{parts['user']}:p@{parts['host']}:{parts['port']}/{parts['dbname']}?{query}"
    settings = load_settings(stack.environment | {"LAKEHOUSE_SOURCE_DSN": address})
    config = connector_config(stack.catalog, settings, connections(settings)) | {"database.password": parts["password"]}
    request = urllib.request.Request(
        f"{stack.links.connect_url}/connector-plugins/{config['connector.class']}/config/validate",
        json.dumps(config | {"name": "tls"}).encode(),
        {"Content-Type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        found: dict[str, Any] = json.load(answer)
    return [error for setting in found["configs"] for error in setting["value"]["errors"]]


@pytest.mark.stack
def test_a_server_whose_certificate_is_verified_is_read_by_both_drivers(
    front: TlsFront, authority: Authority, stack: RealStack
) -> None:
    words = {
        "host": "localhost",
        "port": str(front.port),
        "sslmode": "verify-full",
        "sslrootcert": str(authority.certificate),
    }
    with closing(postgres.connect(make_dsn(stack.links.replication.dsn, **words))) as connection:
        assert connection.info.ssl_in_use
    assert _validated(stack, **words) == []
    with pytest.raises(LakehouseError, match="sslrootcert cannot be read"):
        postgres.connect(make_dsn(stack.links.replication.dsn, **words | {"sslrootcert": "/nowhere/ca.pem"}))


@pytest.mark.stack
@pytest.mark.parametrize(
    ("mode", "host", "signer", "problem"),
    [
        ("verify-full", "localhost", "stranger", "not signed by the DSN's sslrootcert"),
        ("verify-ca", "localhost", "stranger", "not signed by the DSN's sslrootcert"),
        ("require", "localhost", "stranger", "not signed by the DSN's sslrootcert"),
        ("verify-full", "127.0.0.1", "authority", "is for another host"),
        ("disable", "localhost", "authority", "does not answer"),
    ],
)
def test_a_server_that_is_not_the_one_meant_is_refused_by_both_drivers(
    front: TlsFront, stack: RealStack, request: pytest.FixtureRequest, mode: str, host: str, signer: str, problem: str
) -> None:
    root = request.getfixturevalue(signer).certificate
    words = {"host": host, "port": str(front.port), "sslmode": mode, "sslrootcert": str(root)}
    with pytest.raises(LakehouseError, match=problem):
        postgres.connect(make_dsn(stack.links.replication.dsn, **words))
    assert _validated(stack, **words)
