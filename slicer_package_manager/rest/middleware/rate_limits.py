"""Limits how often those who have not logged in may ask for what is expensive."""
from girder import events
from girder.api import access
from girder.api.rest import getCurrentUser, setResponseHeader

from slicer_package_manager.registry.schema.errors import TooMany
from slicer_package_manager.registry.server.environment import Operation
from slicer_package_manager.registry.server.rate_limits import RateLimit
from slicer_package_manager.rest.middleware import tracing

#: Lists, searches, statistics and archives, and what tries passwords or makes accounts. Single files are not limited.
LIMITED = (
    'get.app', 'get.app/:app_id/release', 'get.app/:app_id/draft', 'get.app/:app_id/package',
    'get.app/:app_id/extension', 'get.app/:app_id/downloadstats', 'get.app/:app_id/summary',
    'get.app/:app_id/package/find', 'get.app/:app_id/package/findall', 'get.app/:app_id/package/download',
    'get.find', 'get.findall', 'get.download',  # what stands beside the API, and the page for downloads
    'get.resource/search', 'get.resource/download', 'post.resource/download', 'get.folder/:id/download',
    'get.collection/:id/download', 'get.item', 'get.folder', 'get.collection', 'get.group', 'get.user', 'get.describe',
    'get.user/authentication', 'post.user', 'put.user/password/temporary',
)


def start(operation: Operation) -> None:
    """Limit the calls in :data:`LIMITED` from now on."""
    limit = RateLimit(operation.rate_limit)

    @access.public
    def check(_event):
        if getCurrentUser() is not None:
            return
        seconds = limit.seconds_to_wait(tracing.client_address())
        if seconds:
            setResponseHeader('Retry-After', seconds)
            raise TooMany(f'There were too many requests from your address ({operation.rate_limit} are allowed). Ask '
                          f'again in {seconds} s, or log in.')
    for call in LIMITED:
        events.bind(f'rest.{call}.before', 'slicer_package_manager.ratelimits', check)
