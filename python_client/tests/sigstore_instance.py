"""A Sigstore instance for tests: keys of its own, a trusted root for these, and bundles that they have signed.

Everything that the library ``sigstore`` verifies is real: the certificate and its chain, the timestamp of the
certificate log, the entry of the transparency log with its promise, proof and checkpoint, and the signature.
"""
from __future__ import annotations

import base64
import hashlib
import json
import struct
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ISSUER = 'https://token.actions.githubusercontent.com'
BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
_FULCIO, _SCTS = '1.3.6.1.4.1.57264.1', '1.3.6.1.4.1.11129.2.4.2'
_ORIGIN = 'log.test - 1'


def b64(data):
    return base64.b64encode(data).decode()


def sha256(data):
    return hashlib.sha256(data)


def der(tag, value):
    size = bytes([len(value)]) if len(value) < 128 else bytes([0x81, len(value)])
    return bytes([tag]) + size + value


def sign(key, data):
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


class Log:
    """A log, which is known by its key."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.id = sha256(self.public).digest()

    def described(self):
        return {'baseUrl': 'https://log.test', 'hashAlgorithm': 'SHA2_256', 'logId': {'keyId': b64(self.id)},
                'publicKey': {'rawBytes': b64(self.public), 'keyDetails': 'PKIX_ECDSA_P256_SHA_256',
                              'validFor': {'start': '2021-01-01T00:00:00Z'}}}


class Instance:
    """An instance of Sigstore."""

    def __init__(self):
        self.transparency, self.certificates = Log(), Log()
        self._key = ec.generate_private_key(ec.SECP384R1())
        self._now = datetime.now(timezone.utc).replace(microsecond=0)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, 'authority.test')])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self._root = (self._begin(name, name, self._key.public_key(), timedelta(days=1))
                      .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                      .add_extension(usage, critical=True)
                      .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
                      .sign(self._key, hashes.SHA256()))

    def _begin(self, subject, issuer, key, lifetime):
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
                .serial_number(x509.random_serial_number()).not_valid_before(self._now - timedelta(minutes=1))
                .not_valid_after(self._now + lifetime))

    def trusted_root(self):
        """The trusted root, as JSON."""
        chain = {'certificates': [{'rawBytes': b64(self._root.public_bytes(serialization.Encoding.DER))}]}
        return json.dumps({
            'mediaType': 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
            'tlogs': [self.transparency.described()], 'ctlogs': [self.certificates.described()],
            'timestampAuthorities': [], 'certificateAuthorities': [{
                'subject': {'organization': 'test', 'commonName': 'authority.test'}, 'uri': 'https://authority.test',
                'certChain': chain, 'validFor': {'start': '2021-01-01T00:00:00Z'}}]})

    def _certificate(self, key, repository, issuer):
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        workflow = f'https://github.com/{repository}/.github/workflows/package.yml@refs/heads/main'
        builder = (self._begin(x509.Name([]), self._root.subject, key.public_key(), timedelta(minutes=10))
                   .add_extension(usage, critical=True)
                   .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False)
                   .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(workflow)]), True))
        for number, value in ((8, issuer), (12, f'https://github.com/{repository}')):
            builder = builder.add_extension(x509.UnrecognizedExtension(
                x509.ObjectIdentifier(f'{_FULCIO}.{number}'), der(0x0C, value.encode())), False)
        before = builder.sign(self._key, hashes.SHA256())
        return builder.add_extension(x509.UnrecognizedExtension(
            x509.ObjectIdentifier(_SCTS), self._timestamp(before)), False).sign(self._key, hashes.SHA256())

    def _timestamp(self, certificate):
        """The timestamp that the log of certificates has given to ``certificate`` (RFC 6962, section 3.2)."""
        public = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        content, moment = certificate.tbs_certificate_bytes, int(self._now.timestamp() * 1000)
        signed = struct.pack('!BBQH', 0, 0, moment, 1) + sha256(public).digest() + (
            len(content).to_bytes(3, 'big') + content + bytes(2))
        signature = sign(self.certificates.key, signed)
        timestamp = b'\0' + self.certificates.id + struct.pack('!QHBBH', moment, 0, 4, 3, len(signature)) + signature
        return der(0x04, struct.pack('!HH', len(timestamp) + 2, len(timestamp)) + timestamp)

    def bundle(self, repository, *contents, issuer=ISSUER, predicate='https://slsa.dev/provenance/v1'):
        """A bundle by which a run in ``repository`` attests files with these ``contents``."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(key, repository, issuer)
        payload = json.dumps({
            '_type': 'https://in-toto.io/Statement/v1', 'predicateType': predicate, 'predicate': {},
            'subject': [{'name': 'file', 'digest': {'sha256': sha256(one).hexdigest()}} for one in contents]}).encode()
        kind = 'application/vnd.in-toto+json'
        signature = sign(key, f'DSSEv1 {len(kind)} {kind} {len(payload)} '.encode() + payload)
        envelope = {'payload': b64(payload), 'payloadType': kind, 'signatures': [{'sig': b64(signature)}]}
        return json.dumps({
            'mediaType': BUNDLE, 'dsseEnvelope': envelope, 'verificationMaterial': {
                'certificate': {'rawBytes': b64(certificate.public_bytes(serialization.Encoding.DER))},
                'tlogEntries': [self._entry(certificate, payload, signature, envelope)]}}).encode()

    def _entry(self, certificate, payload, signature, envelope):
        """The only entry of the transparency log."""
        log, moment = self.transparency, int(self._now.timestamp())
        body = json.dumps({'apiVersion': '0.0.1', 'kind': 'dsse', 'spec': {
            'envelopeHash': {'algorithm': 'sha256', 'value': sha256(json.dumps(envelope).encode()).hexdigest()},
            'payloadHash': {'algorithm': 'sha256', 'value': sha256(payload).hexdigest()}, 'signatures': [{
                'signature': b64(signature),
                'verifier': b64(certificate.public_bytes(serialization.Encoding.PEM))}]}}).encode()
        promised = json.dumps({'body': b64(body), 'integratedTime': moment, 'logID': log.id.hex(), 'logIndex': 0},
                              separators=(',', ':')).encode()
        root = sha256(b'\0' + body).digest()
        note = f'{_ORIGIN}\n1\n{b64(root)}\n'
        checkpoint = f'{note}\n\u2014 log.test {b64(log.id[:4] + sign(log.key, note.encode()))}\n'
        return {'logIndex': '0', 'logId': {'keyId': b64(log.id)}, 'kindVersion': {'kind': 'dsse', 'version': '0.0.1'},
                'integratedTime': str(moment), 'canonicalizedBody': b64(body),
                'inclusionPromise': {'signedEntryTimestamp': b64(sign(log.key, promised))},
                'inclusionProof': {'logIndex': '0', 'rootHash': b64(root), 'treeSize': '1', 'hashes': [],
                                   'checkpoint': {'envelope': checkpoint}}}
