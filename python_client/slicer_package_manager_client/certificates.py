"""Which authorities are trusted for https."""
from __future__ import annotations

import os
import ssl
from pathlib import Path

from slicer_package_manager_client.errors import InvalidRequest


def trusted() -> str | None:
    """Return the path in ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``, which OpenSSL reads but requests does not.

    ``REQUESTS_CA_BUNDLE`` and ``CURL_CA_BUNDLE``, which requests reads itself, take precedence.
    """
    if os.environ.get('REQUESTS_CA_BUNDLE') or os.environ.get('CURL_CA_BUNDLE'):
        return None
    return os.environ.get('SSL_CERT_FILE') or os.environ.get('SSL_CERT_DIR') or None


def require_readable(path: str) -> None:
    """Check that ``path``, a file or a directory, has readable certificates.

    :raises InvalidRequest: it has none.
    """
    try:
        if not Path(path).is_dir():
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:  # of which ssl.SSLError is one
        reason = getattr(error, 'reason', None) or error.strerror or str(error)
        raise InvalidRequest(f'No certificates can be read from "{path}": {reason}.',
                             advice='It is named by --certificate, SSL_CERT_FILE or the configuration.') from error
