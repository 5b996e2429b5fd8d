"""A Mosquitto of our own on free ports, in a directory of its own, with TLS 1.3 and rules."""

import datetime as dt
import ipaddress
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "bench", "only-on-loopback"  # pragma: allowlist secret
RULES = f"""user {USER}
topic readwrite bench/#
topic read refused/#
"""


@dataclass(frozen=True)
class Broker:
    plain: int
    tls: int
    cafile: str
    process: subprocess.Popen[bytes]


def program() -> str:
    found = shutil.which(
        "mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    )
    if not found:
        raise SystemExit("mosquitto is not installed")
    return found


@contextmanager
def broker(*, inflight: int) -> Generator[Broker]:
    """A running broker. `inflight` is the receive maximum that it tells its clients."""
    with tempfile.TemporaryDirectory(prefix="mqtt-clients-") as name:
        place = Path(name)
        _certificates(place)
        (place / "acl").write_text(RULES)
        passwords = place / "passwd"
        passwords.touch(mode=0o600)
        subprocess.run(
            ["mosquitto_passwd", "-b", str(passwords), USER, PASSWORD],
            check=True,
            capture_output=True,
        )
        plain, tls = _free_ports()
        me = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout
        config = place / "mosquitto.conf"
        config.write_text(
            f"user {me.strip()}\n"
            "per_listener_settings false\nallow_anonymous false\nlog_type error\n"
            f"password_file {passwords}\nacl_file {place}/acl\n"
            f"set_tcp_nodelay true\nmax_inflight_messages {inflight}\n"
            "max_queued_messages 100000\n"
            f"listener {plain} 127.0.0.1\n"
            f"listener {tls} 127.0.0.1\ncafile {place}/ca.crt\ncertfile {place}/srv.crt\n"
            f"keyfile {place}/srv.key\ntls_version tlsv1.3\n"
        )
        log = place / "log"
        with log.open("wb") as said:
            process = subprocess.Popen([program(), "-c", str(config)], stderr=said)
        try:
            _wait(tls, process, log)
            yield Broker(plain, tls, str(place / "ca.crt"), process)
        finally:
            process.kill()
            process.wait()


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise SystemExit(f"mosquitto ended with {process.returncode}: {log.read_text()}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit("mosquitto does not listen")


def _certificates(place: Path) -> None:
    now = dt.datetime.now(dt.UTC)

    def signed(
        common: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: x509.Name,
        by: ec.EllipticCurvePrivateKey,
    ) -> x509.Certificate:
        authority = common == "bench-ca"
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(common))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return builder.sign(by, hashes.SHA256())

    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    pem = serialization.Encoding.PEM
    ca = signed("bench-ca", ca_key, _name("bench-ca"), ca_key)
    (place / "ca.crt").write_bytes(ca.public_bytes(pem))
    leaf = signed("bench-broker", key, ca.subject, ca_key)
    (place / "srv.crt").write_bytes(leaf.public_bytes(pem))
    (place / "srv.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
