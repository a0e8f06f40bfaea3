"""Exchange of ID tokens of CI services for tokens of Girder that can only upload.

1. Verify the ID token (:mod:`id_tokens`).
2. Find the publisher of the run. There must be exactly one.
3. Accept the ID token, once. Of simultaneous requests with the same one, the database lets one continue.
4. Create a token of the user of the publisher, with the publisher and the run.
"""
from __future__ import annotations

import logging
from typing import Any

from girder.models.folder import Folder
from girder.models.setting import Setting
from girder.models.token import Token
from girder.models.user import User
from girder.settings import SettingKey

from slicer_package_manager.registry.accounts import api_keys, ci_services, id_tokens, publishers, upload_rules
from slicer_package_manager.registry.accounts.ci_services import Run
from slicer_package_manager.registry.accounts.publishers import Publisher
from slicer_package_manager.registry.accounts.upload_rules import Uploader
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Conflict, Forbidden
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import settings
from slicer_package_manager.registry.tree.types import Build

logger = logging.getLogger(__name__)

#: Lifetime of a token, in minutes.
MINUTES = 15
_DAY = 24 * 60


def exchange(id_token: str, app: str | None = None) -> Document:
    """Return a token of Girder for ``id_token``, as its document.

    :param app: id or name of the application to upload to; required if the run is one of publishers of several.
    :raises Invalid: ``id_token`` is none.
    :raises Forbidden: it is not accepted, or no publisher is registered for the run.
    :raises Conflict: several publishers are.
    :raises BadGateway: the issuer cannot be reached.
    """
    audience = str(Setting().get(SettingKey.SERVER_ROOT) or '').rstrip('/')
    if not audience:
        raise Forbidden('The address of this server, which ID tokens must name, is unknown. An administrator states it '
                        f'in the setting {SettingKey.SERVER_ROOT}.')
    issuers = settings.get(settings.OIDC_ISSUERS)
    claims = id_tokens.verified(id_token, audience, issuers)
    run = ci_services.run_of(issuers[claims['iss']], claims)
    publisher = _publisher(claims['iss'], run, app)
    user = User().load(publisher.user, force=True)
    if not user or not upload_rules.may_upload(user, publisher.app):
        raise Forbidden('The account of the publisher was deleted or disabled, or may not write to the application.')
    id_tokens.spend(claims)
    logger.info('Run %s of %s (%s) uploads as publisher %s.', run.build['run'], run.repository, run.build['issuer'],
                publisher.id)
    return _token(user, publisher, run)


def _publisher(issuer: str, run: Run, app: str | None) -> Publisher:
    known = publishers.of_repository(issuer, run)
    if app:
        wanted = validators.object_id(app)
        ids = [wanted] if wanted else [one['_id'] for one in Folder().find(
            {'_id': {'$in': [one.app for one in known]}, 'name': app}, fields=['_id'])]
        known = [one for one in known if one.app in ids]
    found = [one for one in known if one.problem(run) is None]
    if len(found) == 1:
        return found[0]
    if found:
        raise Conflict(f'{len(found)} publishers are registered for this run: '
                       f'{", ".join(f"{one.id} of the application {one.app}" for one in found)}. Name the '
                       'application, or have an administrator remove all but one.')
    raise Forbidden(_unregistered(run, known, app))


def _unregistered(run: Run, known: list[Publisher], app: str | None) -> str:
    """Why no publisher is registered for ``run``: the message compares it with ``known`` ones of its repository."""
    if not known:
        of_app = f' and the application "{validators.shortened(app)}"' if app else ''
        return (f'No publisher is registered for the repository "{validators.shortened(run.repository)}" (number '
                f'{validators.shortened(run.repository_id)}){of_app}. An administrator of the server can register one.')
    return ('The run is not that of a publisher: '
            + '; '.join(f'for {one.id}, {one.problem(run)}' for one in known)
            + '. Start it as registered, or have an administrator of the server register another publisher.')


def _token(user: Any, publisher: Publisher, run: Run) -> Document:
    token: Document = Token().createToken(user, days=MINUTES / _DAY, scope=api_keys.UPLOAD)
    origin = {'publisher': publisher.id, 'build': run.build}
    Token().collection.update_one({'_id': token['_id']}, {'$set': origin})
    return {**token, **origin}


def uploader_of(token: Document, user: Any) -> Uploader:
    """Return the uploader whose ``token`` is only for uploads.

    :raises Forbidden: the publisher, or the key, was removed.
    """
    if 'publisher' not in token:
        return Uploader(user, api_keys.limits_of(token))
    publisher = publishers.load(token['publisher'])
    if publisher is None:
        raise Forbidden('The publisher of this token was removed.')
    return Uploader(user, publisher.limits)


def build_of(token: Document | None) -> Build | None:
    """Return the run that ``token`` was given to, if it is that of a publisher."""
    build: Build | None = (token or {}).get('build')
    return build
