"""The search of the administration."""
from __future__ import annotations

from girder.api.describe import Description

from slicer_package_manager.registry.catalog import search
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call, current_user


@call(access.SEARCH, (
    Description('Search for applications, releases, drafts, packages and extensions by name or revision.')
    .notes(f'The response has up to {search.MOST} of each type: `applications`, `releases`, `drafts`, `packages` and '
           '`extensions`, each with `_id`, `name`, `revision` (of the application), `app_id` and the name of the '
           '`application`. Packages and extensions also have `version` and `source_revision`, the revision of their '
           'sources. Of those with one name, the newest that matches is returned. Case is ignored.')
    .param('q', 'Words, all of which the name, or the revision of a release or draft, has. A word may also be the '
           'beginning of the revision of a package or extension, of at least 4 characters with a digit, or its full '
           'Git hash.')
    .errorResponse('The text has more than 500 characters.')
    .errorResponse('The user is not logged in.', 401)
))
def find(q: str) -> Response:
    return search.find(q, current_user())
