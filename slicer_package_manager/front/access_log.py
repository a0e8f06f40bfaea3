"""The access log, in the "combined" format of Apache and nginx. Credentials are masked."""
from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

from slicer_package_manager.registry.server import client_address, log_masking
from slicer_package_manager.registry.server.client_address import Network

#: The status of a request whose client left before the response began, as nginx has it.
_CLIENT_LEFT = 499
#: Characters that would let a client write fields and lines of its own, or confuse a terminal.
_UNSAFE = re.compile(r'["\\]|[^ -~]')


class AccessLog:
    """The access log in ``file``. A file that was renamed is replaced by a new one."""

    def __init__(self, file: Path, trusted_proxies: tuple[Network, ...]) -> None:
        self._trusted = trusted_proxies
        self._logger = logging.getLogger('slicer_package_manager.access')
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        self._logger.addHandler(WatchedFileHandler(file))

    def write(self, environ: Mapping[str, Any], status: int, size: int) -> None:
        """Log a request whose response has ``status`` and a body of ``size`` bytes."""
        self._logger.info('%s', line(environ, status, size, client_address.client(environ, self._trusted)))


def line(environ: Mapping[str, Any], status: int, size: int, address: str) -> str:
    """Return the line for a request from ``address``; the time is now."""
    request = f'{environ["REQUEST_METHOD"]} {environ["RAW_URI"]} {environ["SERVER_PROTOCOL"]}'
    moment = datetime.now().astimezone().strftime('%d/%b/%Y:%H:%M:%S %z')
    return (f'{address or "-"} - - [{moment}] "{_masked(request)}" {status or _CLIENT_LEFT} {size or "-"} '
            f'"{_masked(environ.get("HTTP_REFERER"))}" "{_masked(environ.get("HTTP_USER_AGENT"))}"')


def _masked(text: str | None) -> str:
    return _UNSAFE.sub(_escaped, log_masking.masked(text)) if text else '-'


def _escaped(match: re.Match[str]) -> str:
    return f'\\{match[0]}' if match[0] in '"\\' else f'\\x{ord(match[0]):02x}'
