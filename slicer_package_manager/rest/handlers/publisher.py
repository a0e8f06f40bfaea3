"""Calls for trusted publishing: publishers, and the exchange of ID tokens of CI services."""
from __future__ import annotations

from urllib.parse import parse_qs

import cherrypy
from girder.api.describe import Description
from girder.api.rest import setResponseHeader

from slicer_package_manager.registry.accounts import publishers, token_exchange
from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application


@call(access.MANAGE_PUBLISHERS, of_application('List the publishers of an application, oldest first.'))
def listPublishers(app_id: str) -> Response:
    return publishers.of(applications.load(app_id, current_user()))


@call(access.MANAGE_PUBLISHERS, (
    of_application('Register a publisher: a workflow of a repository that may upload without a stored secret.')
    .param('issuer', 'Issuer of the ID tokens, such as `https://token.actions.githubusercontent.com` or '
           '`https://gitlab.com`; one of the setting `slicer_package_manager.oidc_issuers`.')
    .param('repository', 'Name of the repository, `owner/name`, spelled as the CI service does.')
    .param('repository_id', 'Number of the repository, so that another one that gets its name later is no publisher.')
    .param('workflow', 'File of the workflow: on GitHub, its name in `.github/workflows`; on GitLab, its path, usually '
           '`.gitlab-ci.yml`.')
    .param('environment', 'Environment of the job; empty if any will do.', required=False)
    .param('branch', 'Branch of the run; empty if any branch or tag will do. Without an environment, it is required.',
           required=False)
    .param('extensions', 'Names of the extensions that it may upload, separated by commas; `*` for all.',
           required=False)
    .param('packages', 'Whether it may upload packages of the application, true or false.', required=False)
    .param('login', 'User in whose name it uploads, who may write to the application.')
    .errorResponse('Values are missing or invalid; the message lists all of them.')
    .errorResponse('There is a publisher with this repository, workflow, environment and branch already.', 409)
), has_form=True)
def addPublisher(app_id: str, params: dict[str, str]) -> Response:
    user = current_user()
    app = applications.load(app_id, user)
    return publishers.add(app, params, access.require_user(user)['login'])


@call(access.MANAGE_PUBLISHERS, (
    of_application('Remove a publisher. The tokens that it has are not accepted any more.')
    .param('publisher_id', 'Id of the publisher.', paramType='path')
))
def removePublisher(app_id: str, publisher_id: str) -> Response:
    return publishers.remove(publisher_id, applications.load(app_id, current_user()))


@call(access.EXCHANGE_ID_TOKEN, (
    Description('Exchange an ID token of a CI service for a token that can upload for 15 minutes.')
    .notes('The ID token must be for the address of this server (`core.server_root`), and is accepted once. The '
           'response has `authToken`: `token`, `expires` and `scope`.')
    .param('id_token', 'The ID token. Send it in the body of the request.', paramType='formData')
    .param('app', 'Id or name of the application to upload to; required if the repository is a publisher of several.',
           required=False, paramType='formData')
    .errorResponse('`id_token` is no ID token, or is in the URL.')
    .errorResponse('The ID token is not accepted, or no publisher is registered for its run; the message states why.',
                   403)
    .errorResponse('Several publishers are registered for the run.', 409)
    .errorResponse('The issuer of the ID token cannot be reached.', 502)
))
def exchangeIdToken(id_token: str, app: str | None) -> Response:
    if 'id_token' in parse_qs(cherrypy.request.query_string, keep_blank_values=True):
        raise Invalid([('id_token', 'must be in the body of the request, since URLs are logged')])
    token = token_exchange.exchange(id_token, app)
    setResponseHeader('Cache-Control', 'no-store')
    return {'authToken': {'token': token['_id'], 'expires': token['expires'], 'scope': token['scope']}}
