"""The call that reports how the server is used."""
from __future__ import annotations

from girder.api.describe import Description

from slicer_package_manager.registry.catalog import usage
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call


@call(access.GET_USAGE, (
    Description('Get storage and quotas, uploads by account, unfinished uploads, and broken links.')
    .notes('`applications` have the `bytes` of their files, as quotas count them, and the `quota`, or `null`. '
           '`uploads` are the files of the last `days` that are still there, by the `login` that uploaded them; it is '
           'empty for a deleted account. `unfinished` has up to 100 uploads that received nothing in the last hour, '
           'newest first. '
           '`broken_links` has up to 100 links that the last `slicer-package-manager links check` has not found `ok`, '
           'with `state`, `reason` and `checked`. Sizes are in bytes.')
    .errorResponse()
    .errorResponse('The user is not logged in.', 401)
    .errorResponse('The user is not a site administrator.', 403)
))
def getUsage() -> Response:
    return usage.of_server()
