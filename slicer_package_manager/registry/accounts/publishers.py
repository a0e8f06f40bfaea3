"""Publishers: which runs of CI services may upload to an application, with an ID token instead of a stored secret.

An administrator registers a publisher for an application. Its uploads are made in the name of a user, whose permissions
apply too. What it may upload is looked up whenever its token is used, so that its removal takes effect at once.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from bson.objectid import ObjectId
from girder.models.folder import Folder
from girder.models.user import User
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.accounts import upload_rules
from slicer_package_manager.registry.accounts import users as accounts_users
from slicer_package_manager.registry.accounts.ci_services import Run
from slicer_package_manager.registry.accounts.upload_rules import Limits
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import Input, clean_all
from slicer_package_manager.registry.server import clock, settings, transactions
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.registration import APPLICATION
from slicer_package_manager.registry.tree.types import ApplicationFolder

_REPOSITORY = re.compile(r'[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+')
_ID = re.compile('[0-9]{1,20}')
_WORKFLOW = re.compile(r'(?:[^/@]+/)*[^/@]+\.ya?ml')


class PublisherModel(transactions.TransactionalModel):
    """Publishers, in the collection ``slicer_package_publisher``. A document is :class:`Publisher`."""

    stored_in = 'slicer_package_publisher'


INDEXES = [
    IndexModel([(key, ASCENDING) for key in ('app', 'issuer', 'repository_id', 'workflow', 'environment', 'branch')],
               name='spm_publisher', unique=True),
    IndexModel([('issuer', ASCENDING), ('repository_id', ASCENDING)], name='spm_publisher_of_repository'),
]


class Publisher(NamedTuple):
    """A publisher of the application ``app``.

    :param issuer: of the ID tokens.
    :param repository: its name, and ``repository_id`` its number, see :class:`Run`.
    :param workflow: the file of the workflow.
    :param environment: of the job; ``''`` if any will do.
    :param branch: of the run; ``''`` if any branch or tag will do.
    :param extensions: names of the extensions that it may upload; ``*`` stands for all.
    :param packages: whether it may upload packages of the application.
    :param user: in whose name.
    :param created: when, and ``creator``, the login of the administrator; ``''`` for a command.
    """

    id: ObjectId
    app: ObjectId
    issuer: str
    repository: str
    repository_id: str
    workflow: str
    environment: str
    branch: str
    extensions: list[str]
    packages: bool
    user: ObjectId
    created: Any
    creator: str

    @property
    def limits(self) -> Limits:
        """What it may upload."""
        return Limits(self.app, tuple(self.extensions), self.packages)

    def problem(self, run: Run) -> str | None:
        """Return why ``run`` is not one of this publisher, ``None`` if it is."""
        if run.pull_request:
            return f'it was started by "{run.pull_request}", and may run code of a pull request'
        for name in ('repository', 'repository_id', 'workflow', 'environment', 'branch'):
            registered, stated = getattr(self, name), getattr(run, name)
            if registered != stated and (registered or name not in ('environment', 'branch')):
                return f'its {name.replace("_", " ")} is {_quoted(stated)}, not "{registered}"'
        return None


def _quoted(stated: str) -> str:
    return f'"{validators.shortened(stated)}"' if stated else 'none'


def _of_document(found: Mapping[str, Any]) -> Publisher:
    return Publisher(found['_id'], *(found[name] for name in Publisher._fields[1:]))


def register() -> None:
    """Let accounts belong to transactions, and have settings, also in commands. Idempotent."""
    accounts_users.register()
    settings.register()


def add(app: ApplicationFolder, given: Mapping[str, object], creator: str = '') -> Document:
    """Register a publisher of ``app``; return it as JSON.

    :param given: values by the names of :data:`_RULES`; ``login`` is that of the user in whose name it uploads.
    :param creator: login of the administrator.
    :raises Invalid: with all problems of ``given``.
    :raises Conflict: there is one with the same repository, workflow, environment and branch.
    """
    values = clean_all(**{name: Input(given.get(name), rule, required) for name, (rule, required) in _RULES.items()})
    values['extensions'] = _names(given.get('extensions'))
    _require_complete(values)
    user = _uploader(app, values.pop('login'))
    document = {**values, '_id': ObjectId(), 'app': app['_id'], 'user': user['_id'], 'created': clock.now(),
                'creator': creator}
    try:
        PublisherModel().collection.insert_one(document)
    except DuplicateKeyError:
        raise Conflict(f'"{app["name"]}" has a publisher with this repository, workflow, environment and branch '
                       'already. Remove it first.') from None
    return _shown(_of_document(document), user['login'])


def _require_complete(values: Document) -> None:
    problems = []
    if not values['environment'] and not values['branch']:
        problems.append(('branch', 'or environment is required; else everyone who may push a branch could upload'))
    if not values['extensions'] and not values['packages']:
        problems.append(('extensions', 'must name at least one, unless packages is true'))
    if problems:
        raise Invalid(problems)


def _uploader(app: ApplicationFolder, login: str) -> Document:
    user: Document | None = User().findOne({'login': login.lower()})
    if user is None:
        raise Invalid([('login', f'there is no user "{validators.shortened(login)}"')])
    upload_rules.require_uploader(user, app)
    return user


def of(app: ApplicationFolder | None = None) -> list[Document]:
    """Return the publishers of ``app``, or of all applications, oldest first, as JSON."""
    query = {'app': app['_id']} if app else {}
    found = [_of_document(one) for one in PublisherModel().find(query, sort=[('_id', 1)])]
    logins = {user['_id']: user['login'] for user in User().find(
        {'_id': {'$in': [one.user for one in found]}}, fields=['login'])}
    return [_shown(one, logins.get(one.user, '')) for one in found]


def _shown(one: Publisher, login: str) -> Document:
    """Return the publisher as JSON, with the ``login`` of the user; empty if the user was deleted."""
    return {'_id': str(one.id), 'app_id': str(one.app), 'issuer': one.issuer, 'repository': one.repository,
            'repository_id': one.repository_id, 'workflow': one.workflow, 'environment': one.environment,
            'branch': one.branch, 'extensions': list(one.extensions), 'packages': one.packages, 'login': login,
            'created': one.created.isoformat(), 'created_by': one.creator}


def remove(identifier: str, app: ApplicationFolder | None = None) -> Document:
    """Remove the publisher ``identifier``; return it. Its tokens are not accepted any more.

    :param app: the application that it must be of.
    :raises NotFound: there is none.
    """
    wanted = validators.object_id(identifier)
    of_app = {'app': app['_id']} if app else {}
    found = wanted and PublisherModel().collection.find_one_and_delete({'_id': wanted, **of_app})
    if not found:
        raise NotFound(f'There is no publisher with the id "{validators.shortened(identifier)}"'
                       + (f' of "{app["name"]}".' if app else '.'))
    return _shown(_of_document(found), '')


def forget(app_ids: list[ObjectId]) -> None:
    """Remove the publishers of the applications ``app_ids``, which are deleted in the same transaction."""
    if app_ids:
        PublisherModel().collection.delete_many({'app': {'$in': app_ids}})


def load(identifier: ObjectId) -> Publisher | None:
    """Return the publisher ``identifier``, ``None`` if it was removed."""
    found = PublisherModel().collection.find_one({'_id': identifier})
    return found and _of_document(found)


def of_repository(issuer: str, run: Run) -> list[Publisher]:
    """Return the publishers of all applications with the repository of ``run``, by its name or its number."""
    either = [{'repository_id': run.repository_id}, {'repository': run.repository}]
    return list(map(_of_document, PublisherModel().find({'issuer': issuer, '$or': either}, sort=[('_id', 1)])))


def count() -> int:
    """Return the number of publishers of all applications."""
    number: int = PublisherModel().collection.count_documents({})
    return number


def unusable() -> Iterator[tuple[Publisher, str]]:
    """Yield each publisher that cannot upload, with the reason."""
    issuers = settings.get(settings.OIDC_ISSUERS)
    for one in map(_of_document, PublisherModel().find({})):
        user = User().findOne({'_id': one.user})
        if Folder().findOne({'_id': one.app, keys.ROLE: APPLICATION}, fields=['_id']) is None:
            yield one, 'its application does not exist'
        elif user is None or not upload_rules.may_upload(user, one.app):
            yield one, 'its account was deleted or disabled, or may not write to the application'
        elif one.issuer not in issuers:
            yield one, f'its issuer is not in the setting {settings.OIDC_ISSUERS}'


def _issuer(value: object) -> str:
    issuer, allowed = validators.name(value).rstrip('/'), settings.get(settings.OIDC_ISSUERS)
    if issuer not in allowed:
        raise ValueError(f'must be one of {", ".join(allowed)} (setting {settings.OIDC_ISSUERS})')
    return issuer


def _matches(pattern: re.Pattern[str], example: str) -> Callable[[object], str]:
    def rule(value: object) -> str:
        text = validators.name(value)
        if not pattern.fullmatch(text):
            raise ValueError(f'"{validators.shortened(text)}" is not as in {example}')
        return text
    return rule


def _names(value: object) -> list[str]:
    """Return the distinct names of extensions in ``value``, separated by commas, or in a list."""
    parts = value if isinstance(value, (list, tuple)) else validators.text(value or '').split(',')
    try:
        return list(dict.fromkeys(name for name in map(validators.name, parts) if name))
    except ValueError as error:
        raise Invalid([('extensions', str(error))]) from None


def _flag(value: object) -> bool:
    return validators.boolean(value) if value != '' else False


#: Each value of a publisher with its validator, and whether it is required.
_RULES: dict[str, tuple[Callable[[Any], Any], bool]] = {
    'issuer': (_issuer, True),
    'repository': (_matches(_REPOSITORY, 'owner/name'), True),
    'repository_id': (_matches(_ID, '1296269, the number of the repository'), True),
    'workflow': (_matches(_WORKFLOW, 'package.yml, the file of the workflow'), True),
    'environment': (validators.name, False), 'branch': (validators.name, False),
    'packages': (_flag, False), 'login': (validators.name, True),
}
