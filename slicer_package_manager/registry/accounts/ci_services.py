"""What the ID tokens of CI services state about the run that requested them.

The claims are documented by GitHub (https://docs.github.com/actions/reference/security/oidc) and GitLab
(https://docs.gitlab.com/ci/secrets/id_token_authentication/). All claims that are read here are texts; one of another
type is refused.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote, urlsplit

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Forbidden
from slicer_package_manager.registry.tree.types import Build

#: The claims of an ID token whose signature is verified.
Claims: TypeAlias = Mapping[str, Any]

_LONGEST = 1024
_BRANCH = 'refs/heads/'
_TAG = 'refs/tags/'
#: The host of the issuer of github.com. Those of other sites of GitHub are the host of the site, some with this before.
_OF_GITHUB_COM = 'token.actions.githubusercontent.com'
_BEFORE_SITE = 'token.actions.'
#: Where GitHub has the files of workflows.
_WORKFLOWS = '.github/workflows/'


class Run(NamedTuple):
    """The run of a workflow, or of a pipeline.

    :param repository: its name with the owner or the groups, such as ``owner/name``.
    :param repository_id: its number, which stays when it is renamed and is never given to another one.
    :param workflow: the file that defines the run; on GitHub, below ``.github/workflows/``.
    :param branch: the branch that the run is for; empty if it is for a tag.
    :param environment: the deployment environment of the job; empty if it has none.
    :param pull_request: what started the run if it may run code of a pull request; else empty.
    """

    repository: str
    repository_id: str
    workflow: str
    branch: str
    environment: str
    pull_request: str
    build: Build


def run_of(service: str, claims: Claims) -> Run:
    """Return the run that ``claims`` of ``service``, ``github`` or ``gitlab``, describe.

    :raises Forbidden: a claim is missing, or is no text.
    """
    return _SERVICES[service](claims)


def _text(claims: Claims, name: str, *, required: bool = True) -> str:
    value = claims.get(name, '' if not required else None)
    if not _is_usable(value) or (required and not value):
        raise Forbidden(f'The claim "{name}" of the ID token is missing, or is no usable text.')
    return str(value)


def _is_usable(value: object) -> bool:
    try:
        return validators.one_line(value) == value and len(value) <= _LONGEST
    except ValueError:
        return False


def _github(claims: Claims) -> Run:
    repository, ref, event = (_text(claims, name) for name in ('repository', 'ref', 'event_name'))
    site = _site_of_github(str(claims['iss']))
    place, commit = f'{site}/{quote(repository)}', _text(claims, 'sha')
    workflow = _within(_text(claims, 'workflow_ref'), f'{repository}/{_WORKFLOWS}', ref)
    return Run(
        repository, _text(claims, 'repository_id'), workflow, _branch(ref),
        _text(claims, 'environment', required=False),
        event if event.startswith('pull_request') or not _is_permanent(ref) else '',
        _build(claims, repository, commit, ref, workflow, _text(claims, 'run_number'), place, {
            'commit_url': f'{place}/commit/{quote(commit)}',
            'run_url': f'{place}/actions/runs/{quote(_text(claims, "run_id"))}'}))


def _site_of_github(issuer: str) -> str:
    host = urlsplit(issuer).netloc
    return f'https://{"github.com" if host == _OF_GITHUB_COM else host.removeprefix(_BEFORE_SITE)}'


def _gitlab(claims: Claims) -> Run:
    project, ref, source = (_text(claims, name) for name in ('project_path', 'ref_path', 'pipeline_source'))
    site = str(claims['iss'])
    place, commit, pipeline = f'{site}/{quote(project)}', _text(claims, 'sha'), _text(claims, 'pipeline_id')
    host = re.sub('^https://', '', site)
    workflow = _within(_text(claims, 'ci_config_ref_uri'), f'{host}/{project}//', ref)
    return Run(
        project, _text(claims, 'project_id'), workflow, _branch(ref), _text(claims, 'environment', required=False),
        source if 'request' in source or not _is_permanent(ref) else '',
        _build(claims, project, commit, ref, workflow, pipeline, place, {
            'commit_url': f'{place}/-/commit/{quote(commit)}',
            'run_url': f'{place}/-/pipelines/{quote(pipeline)}'}))


def _build(claims: Claims, repository: str, commit: str, ref: str, workflow: str, run: str, place: str,
           urls: dict[str, str]) -> Build:
    return {'issuer': str(claims['iss']), 'repository': repository, 'commit': commit, 'ref': ref, 'workflow': workflow,
            'run': run, 'repository_url': place, 'commit_url': urls['commit_url'], 'run_url': urls['run_url']}


def _within(stated: str, prefix: str, ref: str) -> str:
    """Return the file that ``stated`` names below ``prefix``, at ``ref``.

    :raises Forbidden: it names another one: of another repository, or at another ref.
    """
    file = stated.removeprefix(prefix).removesuffix(f'@{ref}')
    if not file or stated != f'{prefix}{file}@{ref}':
        raise Forbidden(f'The workflow of the ID token, "{validators.shortened(stated)}", is not below '
                        f'"{validators.shortened(prefix)}" at "{validators.shortened(ref)}".')
    return file


def _branch(ref: str) -> str:
    return ref.removeprefix(_BRANCH) if ref.startswith(_BRANCH) else ''


def _is_permanent(ref: str) -> bool:
    return ref.startswith((_BRANCH, _TAG))


_SERVICES: dict[str, Callable[[Claims], Run]] = {'github': _github, 'gitlab': _gitlab}
