"""The upload command of packages and of extensions."""
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager_client import archives, config, metadata, tags
from slicer_package_manager_client.addresses import without_credentials
from slicer_package_manager_client.cli import options, output
from slicer_package_manager_client.cli.session import Session, pass_session
from slicer_package_manager_client.errors import InvalidRequest, Refused
from slicer_package_manager_client.fields import EXTENSION, PACKAGE, PackageType

if TYPE_CHECKING:
    from slicer_package_manager_client.localfile import LocalFile
    from slicer_package_manager_client.publish import Link, Outcome, Publication

_SHA512 = re.compile(r'[0-9a-fA-F]{128}')
_OF_LINKS = ('size', 'sha512', 'file_name')
_OF_GITHUB = ('github_tag', 'github_token_file', 'github_api_url')

_LINK_OPTIONS = (
    options.option('--url', help='Register this https URL instead of uploading a file'),
    options.option('--size', type=click.IntRange(min=1), help='Bytes of the file at --url'),
    options.option('--sha512', help='Checksum of the file at --url'),
    options.option('--file_name', help='Name of the file at --url  [default: the last part of its path]'),
)
_GITHUB_OPTIONS = (
    options.option('--github-repo', metavar='OWNER/NAME',
                   help='Upload the file as a release asset there, and register its URL'),
    options.option('--github-tag', metavar='TEMPLATE', default=tags.DEFAULT, show_default=True,
                   help=f'Tag of the release; may name {", ".join(f"{{{key}}}" for key in tags.KEYS)}'),
    options.option('--github-token-file', type=click.Path(dir_okay=False),
                   help='File with the token  [default: the token in GITHUB_TOKEN]'),
    options.option('--github-api-url', default='https://api.github.com', show_default=True,
                   help='API of a GitHub Enterprise server'),
)


def upload_command(package_type: PackageType) -> click.Command:
    """The upload command for ``package_type``."""
    @_with_options(package_type)
    @pass_session
    def command(session: Session, /, app_name: str, filepath: str | None, as_json: bool, **given: Any) -> None:
        Upload(session, package_type, app_name, filepath, given).run(as_json=as_json)

    return click.command('upload', help=f'Upload an {package_type.noun}, or register the URL of one.')(command)


def _with_options(package_type: PackageType) -> options.Decorator:
    def decorate(function: Any) -> Any:
        optional = [field.option for field in package_type.fields if not field.required and field.type is str]
        more = [options.option('--clear', multiple=True, type=click.Choice(optional),
                               help='Remove the value of this option on the server'), *_LINK_OPTIONS, *_GITHUB_OPTIONS,
                options.option('--force', type=bool, default=False,
                               help='Send the file even if the server has the same one'),
                click.option('--no-check', is_flag=True, help='Send the file even if it is no archive')]
        if package_type is EXTENSION:
            more.append(options.option(
                '--metadata', multiple=True, metavar='FILE', type=click.Path(dir_okay=False),
                help='Catalog entry (.json) or .s4ext file with values for options that are not given; '
                     'later files override earlier ones'))
        function = options.changing_command(function)
        for one in reversed([*map(_field_option, package_type.fields), *more]):
            function = one(function)
        function = click.argument('filepath', required=False)(function)
        return options.app_name(function)

    return decorate


def _field_option(field: Any) -> options.Decorator:
    if field.option == 'pre_release':
        return click.option('--pre_release/--no-pre_release', default=None, help=field.help)
    if field.type is not str or field.option == 'build_date':
        return options.option(f'--{field.option}', type=field.type, default=None, help=field.help)
    # An empty text is passed on: it clears the value on the server.
    default = f'  [default: {field.default}]' if field.default else ''
    return click.option(f'--{field.option}', help=f'{field.help}{default}')


class Upload:
    """One run of the command."""

    def __init__(self, session: Session, package_type: PackageType, app_name: str, filepath: str | None,
                 given: dict[str, Any]) -> None:
        self._session = session
        self._package_type = package_type
        self._app_name = app_name
        self._filepath = filepath or None
        self._given = given
        self._values = self._complete(given)
        self._quiet = False

    def run(self, *, as_json: bool) -> None:
        """Carry out the upload and print the result."""
        self._require_one_way()
        self._package_type.by_option(self._values)
        try:
            outcome = self._with_file() if self._filepath else self._register_only()
        finally:
            self._session.print_warnings()
        if self._given['dry_run']:
            output.show({'status': 'planned', 'would': outcome.status, 'item': outcome.item},
                        f'Would be {outcome.status}.', as_json=as_json)
            return
        for line in outcome.notes:
            output.note(line)
        output.show({'status': outcome.status, 'item': outcome.item}, self._message(outcome), as_json=as_json)

    def _complete(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the values from options, else from metadata files, else from the user or the defaults."""
        values = metadata.read_all(given.get('metadata') or (), output.note)
        for field in self._package_type.fields:
            value = given[field.option]
            if value is not None and (value != '' or not field.default):
                values[field.option] = value
            if field.asked and values.get(field.option) is None:
                values[field.option] = output.ask(field.option.replace('_', ' ').capitalize())
            if field.default and not values.get(field.option):
                values[field.option] = field.default
        return values

    def _require_one_way(self) -> None:
        """Check that the options name exactly one way of publishing.

        :raises click.UsageError: they do not.
        """
        given = self._given
        if given['url'] and given['github_repo']:
            raise click.UsageError('Give --url or --github-repo, not both.')
        context = click.get_current_context()
        of_github = [name for name in _OF_GITHUB
                     if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE]
        for owner, stray in (('--url', [name for name in _OF_LINKS if given[name] is not None]),
                             ('--github-repo', of_github)):
            if stray and not given[owner[2:].replace('-', '_')]:
                raise click.UsageError(f'{", ".join(map(_dashed, stray))} can only be used with {owner}.')
        if given['force'] and (given['url'] or given['github_repo']):
            raise click.UsageError('--force is for files that are sent to the server.')
        if not self._filepath and not given['url']:
            raise click.UsageError("Missing argument 'FILEPATH'.")

    def _publication(self) -> Publication:
        return self._session.client.publication(self._package_type, self._app_name, self._values,
                                                coll_id=self._given['coll_id'], clear=self._given['clear'])

    def _with_file(self) -> Outcome:
        from slicer_package_manager_client.localfile import LocalFile

        algorithms = ('sha512', 'sha256') if self._given['github_repo'] else ('sha512',)
        with LocalFile(str(self._filepath), algorithms) as source, self._session.client.explained():
            if not self._given['no_check']:
                archives.require(source.path, installers=self._package_type is PACKAGE)
            link = self._link(source) if self._given['url'] else None
            publication = self._publication()
            if self._given['github_repo']:
                return self._on_github(publication, source)
            if link:
                return publication.plan(None) if self._given['dry_run'] else publication.link(link)
            if self._given['dry_run']:
                return publication.plan(source, force=self._given['force'])
            return publication.send(source, force=self._given['force'])

    def _register_only(self) -> Outcome:
        link = self._link(None)
        with self._session.client.explained():
            publication = self._publication()
            return publication.plan(None) if self._given['dry_run'] else publication.link(link)

    def _link(self, source: LocalFile | None) -> Link:
        from slicer_package_manager_client.publish import Link

        url, size, sha512, name = (self._given[key] for key in ('url', 'size', 'sha512', 'file_name'))
        if not url.lower().startswith('https://'):
            raise InvalidRequest(f'"{without_credentials(url)}" is no https URL.')
        if without_credentials(url) != url:
            raise InvalidRequest('The URL in --url contains a user name or a password, which would be published.')
        if sha512 and not _SHA512.fullmatch(sha512):
            raise InvalidRequest('--sha512 is not 128 hexadecimal digits.')
        if source is None:
            return Link(url, name, size, sha512 and sha512.lower())
        if size not in {None, source.size} or (sha512 and sha512.lower() != source.digest()):
            raise InvalidRequest(f'--size or --sha512 is not that of "{source.path}".')
        return Link(url, name or source.name, source.size, source.digest())

    def _on_github(self, publication: Publication, source: LocalFile) -> Outcome:
        from slicer_package_manager_client.cli.progress import reporter
        from slicer_package_manager_client.github import GitHub
        from slicer_package_manager_client.publish import Link

        tag = tags.tag(self._given['github_tag'], {
            **self._values, 'app_name': self._app_name,
            'app_revision': self._values.get('app_revision') or self._values.get('revision')})
        token = self._token()
        if self._given['dry_run']:
            outcome = publication.plan(None)
            outcome.item = {**outcome.item, 'github': {'repository': self._given['github_repo'], 'tag': tag}}
            return outcome
        with GitHub(self._given['github_repo'], token, retries=self._session.retries,
                    timeout=self._session.timeout, api_url=self._given['github_api_url'],
                    progress=reporter()) as github:
            asset = github.publish(tag, source)
        outcome = publication.link(Link(asset.url, source.name, source.size, source.digest()))
        if not asset.checked:
            outcome.notes.append('GitHub reported no digest of the asset; only its size was compared.')
        return outcome

    def _token(self) -> str:
        path, token = self._given['github_token_file'], config.environment('GITHUB_TOKEN')
        if path:
            token = config.read_secret(path, 'GitHub token')
        if not token:
            raise Refused('There is no GitHub token.', advice='Set GITHUB_TOKEN, or give --github-token-file.')
        self._session.keep_secret(token)
        return token

    def _message(self, outcome: Outcome) -> str:
        """Return the text that release 0.11 printed, where it printed one."""
        name, item = self._values.get('name'), outcome.item
        label = self._package_type.label
        created = f'Create the {self._package_type.noun} {name}\n' if outcome.created else ''
        return created + {
            'uploaded': f'{item["name"]} ({item["_id"]}) UPLOADED',
            'replaced': f'{name} UPLOADED The {label} is now up-to-date',
            'unchanged': f'{label.capitalize()} "{name}" is already up-to-date; nothing was sent',
            'updated': f'{label.capitalize()} "{name}" is already up-to-date; only its metadata were changed',
            'registered': f'{item["name"]} ({item["_id"]}) REGISTERED',
        }[outcome.status]


def _dashed(name: str) -> str:
    return f'--{name.replace("_", "-") if name in _OF_GITHUB else name}'
