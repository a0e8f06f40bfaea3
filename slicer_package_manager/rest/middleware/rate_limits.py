"""Limit how often anonymous clients may make the expensive calls in :data:`LIMITED`; an operator sets the rate."""
from __future__ import annotations

from typing import TYPE_CHECKING

from girder import events
from girder.api.rest import getCurrentUser, setResponseHeader

from slicer_package_manager.registry.schema.errors import TooManyRequests
from slicer_package_manager.registry.server.environment import Operation
from slicer_package_manager.rest.middleware import tracing
from slicer_package_manager.rest.middleware.permissions import before_anyone

if TYPE_CHECKING:
    from slicer_package_manager.registry.server.rate_limits import RateLimit

#: Lists, searches, statistics and archives, and what tries passwords or makes accounts. Downloads of single files are
#: not limited.
LIMITED = (
    'get.app', 'get.app/:app_id/release', 'get.app/:app_id/draft', 'get.app/:app_id/package',
    'get.app/:app_id/extension', 'get.app/:app_id/downloadstats', 'get.app/:app_id/downloadstats/:checksum',
    'get.app/:app_id/downloads', 'get.app/:app_id/summary',
    'get.app/:app_id/package/:pkg_id/provenance', 'get.app/:app_id/extension/:ext_id/provenance',
    'get.app/:app_id/package/:pkg_id/attestation', 'get.app/:app_id/extension/:ext_id/attestation',
    'get.app/:app_id/extension/:ext_id/readme', 'get.app/:app_id/publisher', 'get.app/:app_id/webhook',
    'get.app/:app_id/popularity', 'get.app/:app_id/expected', 'get.app/:app_id/expected/:name',
    'get.app/:app_id/package/find', 'get.app/:app_id/package/findall', 'get.app/:app_id/package/download',
    'get.find', 'get.findall', 'get.download',  # beside the API; the download page calls check()
    'get.midas3/api/json', 'post.midas3/api/json', 'put.midas3/api/json', 'get.midas3/rest/item/:id',
    'get.midas3/slicerappstore', 'get.midas3/slicerappstore/index', 'get.midas3/slicerappstore/extension/view',
    'get.midas3/slicerappstore/index/listextensions', 'get.midas3/slicerappstore/index/categories',
    'get.resource/search', 'get.resource/download', 'post.resource/download', 'get.folder/:id/download',
    'get.collection/:id/download', 'get.item', 'get.folder', 'get.collection', 'get.group', 'get.user', 'get.describe',
    'get.user/authentication', 'post.user', 'put.user/password/temporary', 'post.slicer_package_manager/oidc/token',
)


_limit: RateLimit | None = None


def check() -> None:
    """Count a request of an anonymous client, if there is a limit.

    :raises TooManyRequests: the client has reached the limit (429); ``Retry-After`` has the seconds until it may try
        again.
    """
    if _limit is None or getCurrentUser() is not None:
        return
    seconds = _limit.seconds_to_wait(tracing.client_address())
    if seconds:
        setResponseHeader('Retry-After', seconds)
        raise TooManyRequests(f'There were too many requests from your address ({_limit.rate} are allowed). Try again '
                              f'in {seconds} s, or log in.')


def start(operation: Operation) -> None:
    """Limit the calls in :data:`LIMITED` from now on."""
    global _limit  # noqa: PLW0603 - there is one server in a process
    from slicer_package_manager.registry.server.rate_limits import RateLimit  # noqa: PLC0415 - few servers need it
    _limit = RateLimit(operation.rate_limit)
    for call in LIMITED:
        events.bind(f'rest.{call}.before', 'slicer_package_manager.ratelimits', before_anyone(lambda _event: check()))
