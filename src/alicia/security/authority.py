"""The home's own certificate authority: its root, and the broker's certificate.

    ca.crt       the root that every client trusts; 10 years
    ca.key       its key; needed only to issue
    server.pem   the broker's certificate and key; 397 days, renewed when less than 30 are left

All are ECDSA P-256, 0600. The root is made once and never overwritten: every satellite trusts it.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from alicia.errors import SetupError
from alicia.security.files import write_once, write_private

CA_VALIDITY = timedelta(days=3653)
SERVER_VALIDITY = timedelta(days=397)  # the longest that Apple's clients take is 398
RENEW_BEFORE = timedelta(days=30)
# A satellite whose clock is a little behind must not find the certificate "not yet valid".
BACKDATED = timedelta(hours=1)

_DNS_NAME = re.compile(r"(?=.{1,253}$)(\*\.)?[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_-]{1,63})*")


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def matches(self) -> bool:
        return self.certificate.public_key() == self.key.public_key()


@dataclass(frozen=True)
class Authority:
    """The authority that lives in a folder (0700)."""

    folder: Path

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def ca_key_file(self) -> Path:
        return self.folder / "ca.key"

    @property
    def server_file(self) -> Path:
        """Certificate and key in one file, so that they can't be replaced one without the other."""
        return self.folder / "server.pem"

    def ensure(self, now: datetime | None = None) -> bool:
        """Make the root unless there is one. True where it was made."""
        if self.ca_file.exists():
            return False
        key = ec.generate_private_key(ec.SECP256R1())
        if not write_once(self.ca_key_file, key_pem(key)):
            # Left by a start that was cut off before the certificate, or by one at this moment.
            key = read_key(self.ca_key_file)
        return write_once(self.ca_file, pem(_root(key, now or datetime.now(UTC))))

    def ensure_server(self, names: Iterable[str] = (), now: datetime | None = None) -> bool:
        """Issue the broker's certificate where it is missing, near its end or for other names.

        True where it was issued. Raises SetupError where the root can't issue: no key, another
        key, or a clock outside the root's validity.
        """
        now = now or datetime.now(UTC)
        self.ensure(now)
        wanted = server_names(names)
        root = read_certificate(self.ca_file)
        if not self._server_outdated(root, wanted, now):
            return False
        if not root.not_valid_before_utc <= now < root.not_valid_after_utc:
            raise SetupError(
                "The home's root certificate is not valid at the time this machine's clock shows.",
                clock=now.isoformat(timespec="seconds"),
                valid_from=root.not_valid_before_utc.isoformat(),
                valid_until=root.not_valid_after_utc.isoformat(),
            )
        issuer = Pair(root, read_key(self.ca_key_file))
        if not issuer.matches:
            raise SetupError(
                "The root's key does not match its certificate.", path=self.ca_key_file
            )
        key = ec.generate_private_key(ec.SECP256R1())
        return write_private(
            self.server_file, pem(_server(issuer, key, wanted, now)) + key_pem(key)
        )

    def expires_at(self) -> datetime:
        """When the first of root and server certificate ends."""
        return min(
            read_certificate(path).not_valid_after_utc for path in (self.ca_file, self.server_file)
        )

    def _server_outdated(self, root: x509.Certificate, wanted: set[str], now: datetime) -> bool:
        try:
            server = Pair(read_certificate(self.server_file), read_key(self.server_file))
        except SetupError:
            return True
        end = server.certificate.not_valid_after_utc
        # A root near its own end can't give more, however often one asks.
        return (
            (end - now < RENEW_BEFORE and end < root.not_valid_after_utc)
            or names_of(server.certificate) != wanted
            or not server.matches
            or not issued_by(root, server.certificate)
        )


def server_names(names: Iterable[str] = ()) -> set[str]:
    """Those the broker's certificate is for: this machine's own, and the ones given.

    Raises SetupError for what is neither an address nor a host name.
    """
    wanted = {"localhost", "127.0.0.1", "::1"}
    host = socket.gethostname().lower()
    if _DNS_NAME.fullmatch(host):
        wanted.add(host)
    for name in names:
        text = name.strip().lower().rstrip(".")
        address = _address(text)
        if address is None and not _DNS_NAME.fullmatch(text):
            raise SetupError(f"{name!r} is neither an address nor a host name.", name=name)
        wanted.add(text if address is None else str(address))
    return wanted


def names_of(certificate: x509.Certificate) -> set[str]:
    """The host names and addresses that a certificate is for."""
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    addresses = san.get_values_for_type(x509.IPAddress)
    return {*san.get_values_for_type(x509.DNSName), *(str(address) for address in addresses)}


def issued_by(root: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def read_certificate(path: Path) -> x509.Certificate:
    """Raises SetupError where there is none that can be read."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SetupError(f"{path} holds no readable certificate.", path=str(path)) from error


def read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Raises SetupError where there is none that can be read."""
    try:
        key = serialization.load_pem_private_key(_key_block(path.read_bytes()), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise SetupError(f"{path} holds no readable key.", path=str(path)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SetupError(f"{path} holds a key of another kind than ECDSA.", path=str(path))
    return key


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _key_block(data: bytes) -> bytes:
    return data[max(0, data.find(b"-----BEGIN PRIVATE KEY")) :]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _root(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    # The serial number in the name keeps two homes' roots apart in one trust store.
    serial = x509.random_serial_number()
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Alicia home {serial & 0xFFFFFF:x}")]
    )
    return (
        _builder(name, name, key.public_key(), now, now + CA_VALIDITY, serial)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _server(
    issuer: Pair, key: ec.EllipticCurvePrivateKey, names: set[str], now: datetime
) -> x509.Certificate:
    root = issuer.certificate
    general: list[x509.GeneralName] = []
    for name in sorted(names):
        address = _address(name)
        general.append(x509.DNSName(name) if address is None else x509.IPAddress(address))
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    return (
        _builder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Alicia broker")]),
            root.subject,
            key.public_key(),
            now,
            min(now + SERVER_VALIDITY, root.not_valid_after_utc),
            x509.random_serial_number(),
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(general), critical=False)
        .add_extension(authority_key, critical=False)
        .sign(issuer.key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    end: datetime,
    serial: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(now - BACKDATED)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
