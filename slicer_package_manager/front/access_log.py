"""The access log, in the "combined" format of Apache and nginx. Credentials are masked.

A line of a part (206) has a further field, the range that was sent, so that statistics from logs can distinguish the
end of a download from its other parts.
"""
from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, NoReturn

from slicer_package_manager.registry.server import client_address, log_masking
from slicer_package_manager.registry.server.client_address import Network

#: The status of a request whose client left before the response began, as nginx has it.
_CLIENT_LEFT = 499
#: Characters that would let a client write fields and lines of its own, or confuse a terminal.
_UNSAFE = re.compile(r'["\\]|[^ -~]')


logger = logging.getLogger(__name__)


class _File(WatchedFileHandler):
    """A log file; errors of writing to it are raised."""

    def handleError(self, record: logging.LogRecord) -> NoReturn:  # noqa: ARG002 - the name and parameters of logging
        raise  # noqa: PLE0704 - called while the error is handled


class AccessLog:
    """The access log in ``file``. A file that was renamed is replaced by a new one."""

    def __init__(self, file: Path, trusted_proxies: tuple[Network, ...]) -> None:
        self._trusted = trusted_proxies
        self._logger = logging.getLogger('slicer_package_manager.access')
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        self._logger.addHandler(_File(file))
        self._is_failing = False

    def write(self, environ: Mapping[str, Any], status: int, size: int, content_range: str = '') -> None:
        """Log a request whose response has ``status`` and a body of ``size`` bytes.

        :param content_range: the part that it is, such as ``bytes 0-99/1000``.

        No request fails because of the log. A full disk or a missing directory is reported once.
        """
        try:
            self._logger.info('%s', line(environ, status, size, client_address.client(environ, self._trusted),
                                         content_range))
            self._is_failing = False
        except OSError as error:
            if not self._is_failing:
                logger.error('Requests are not logged, because the access log cannot be written: %s.', error)  # noqa: TRY400
            self._is_failing = True


def line(environ: Mapping[str, Any], status: int, size: int, address: str, content_range: str = '') -> str:
    """Return the line for a request from ``address``; the time is now."""
    request = f'{environ["REQUEST_METHOD"]} {environ["RAW_URI"]} {environ["SERVER_PROTOCOL"]}'
    moment = datetime.now().astimezone().strftime('%d/%b/%Y:%H:%M:%S %z')
    return (f'{address or "-"} - - [{moment}] "{_masked(request)}" {status or _CLIENT_LEFT} {size or "-"} '
            f'"{_masked(environ.get("HTTP_REFERER"))}" "{_masked(environ.get("HTTP_USER_AGENT"))}"'
            + (f' "{_masked(content_range)}"' if content_range else ''))


def _masked(text: str | None) -> str:
    return _UNSAFE.sub(_escaped, log_masking.masked(text)) if text else '-'


def _escaped(match: re.Match[str]) -> str:
    return f'\\{match[0]}' if match[0] in '"\\' else f'\\x{ord(match[0]):02x}'
