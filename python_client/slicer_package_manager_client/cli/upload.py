"""The upload command of packages and of extensions."""
from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager_client import tags
from slicer_package_manager_client.cli import ci, options, output
from slicer_package_manager_client.cli.progress import readable
from slicer_package_manager_client.cli.session import Session, pass_session
from slicer_package_manager_client.fields import EXTENSION, PackageType

if TYPE_CHECKING:
    from slicer_package_manager_client.publish import Outcome

_DESCRIBED = ', and from its description (.s4ext or .json), which is beside the file or in it'
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
    def command(session: Session, /, filepath: tuple[str, ...], jobs: int, fail_fast: bool, as_json: bool,
                **given: Any) -> int:
        paths = list(dict.fromkeys(filter(None, filepath)))
        _require_one_way(paths, given)
        session.add_profile(given)
        if len(paths) < 2:  # noqa: PLR2004
            _upload_one(session, package_type, paths[0] if paths else None, given, as_json=as_json)
            return 0
        from slicer_package_manager_client.cli.upload_many import upload_many

        return upload_many(session, package_type, paths, given, jobs=jobs, fail_fast=fail_fast, as_json=as_json)

    return click.command('upload', help=(
        f'Upload {package_type.noun}s, or register the URL of one.\n\n'
        'Several files are uploaded at the same time. Values that no option gives are read from the name of each file'
        f'{_DESCRIBED if package_type is EXTENSION else ""}. The exit status is the highest of all files.'))(command)


def _with_options(package_type: PackageType) -> options.Decorator:
    def decorate(function: Any) -> Any:
        optional = [field.option for field in package_type.fields if not field.required and field.type is str]
        more: list[options.Decorator] = [options.option('--clear', multiple=True, type=click.Choice(optional),
                               help='Remove the value of this option on the server'), *_LINK_OPTIONS, *_GITHUB_OPTIONS,
                options.option('--attestation', metavar='FILE', type=click.Path(dir_okay=False),
                               help='Sigstore bundle about the file, such as actions/attest-build-provenance makes'),
                options.option('--force', type=bool, default=False,
                               help='Send the file even if the server has the same one'),
                click.option('--no-check', is_flag=True, help='Send the file even if it is no archive'),
                options.jobs('uploaded'),
                click.option('--fail-fast', is_flag=True, help='Start no other file after one has failed')]
        if package_type is EXTENSION:
            more.append(options.option(
                '--metadata', multiple=True, metavar='FILE', type=click.Path(dir_okay=False),
                help='Catalog entry (.json) or .s4ext file with values for options that are not given; '
                     'later files override earlier ones'))
            more.append(options.option(
                '--readme', metavar='FILE', type=click.Path(dir_okay=False),
                help='README of the extension in Markdown, which its page in the catalog shows  '
                     '[default: the README.md in the archive]'))
            more.append(click.option('--no-readme', is_flag=True, help='Send no README, though the archive has one'))
        function = options.changing_command(function)
        for one in reversed([*map(_field_option, package_type.fields), *more]):
            function = one(function)
        function = click.argument('filepath', nargs=-1, metavar='[FILEPATH]...')(function)
        return options.app_name(function)

    return decorate


def _field_option(field: Any) -> options.Decorator:
    if field.option == 'pre_release':
        return click.option('--pre_release/--no-pre_release', '--pre-release/--no-pre-release', default=None,
                            help=field.help)
    if field.type is not str or field.option == 'build_date':
        return options.option(f'--{field.option}', type=field.type, default=None, help=field.help)
    # An empty text is passed on: it clears the value on the server.
    default = f'  [default: {field.default}]' if field.default else ''
    required = '  [required, unless the name of the file states it]' if field.asked else ''
    return click.option(*options.with_hyphens(f'--{field.option}'), help=f'{field.help}{default}{required}')


def _require_one_way(paths: list[str], given: dict[str, Any]) -> None:
    """Check that the options name exactly one way of publishing.

    :raises click.UsageError: they do not.
    """
    if given['url'] and given['github_repo']:
        raise click.UsageError('Give --url or --github-repo, not both.')
    if given.get('readme') and given['no_readme']:
        raise click.UsageError('Give --readme or --no-readme, not both.')
    context = click.get_current_context()
    of_github = [name for name in _OF_GITHUB
                 if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE]
    for owner, stray in (('--url', [name for name in _OF_LINKS if given[name] is not None]),
                         ('--github-repo', of_github)):
        if stray and not given[owner[2:].replace('-', '_')]:
            raise click.UsageError(f'{", ".join(map(_dashed, stray))} can only be used with {owner}.')
    if given['force'] and (given['url'] or given['github_repo']):
        raise click.UsageError('--force is for files that are sent to the server.')
    if given['attestation'] and (given['url'] or given['github_repo']):
        raise click.UsageError('--attestation is for files that are sent to the server.')
    if given['url'] and len(paths) > 1:
        raise click.UsageError('--url is for one file; there are several.')
    if not paths and not given['url']:
        raise click.UsageError("Missing argument 'FILEPATH'.")


def _upload_one(session: Session, package_type: PackageType, filepath: str | None, given: dict[str, Any], *,
                as_json: bool) -> None:
    """Upload one file, and print what release 0.11 printed."""
    from slicer_package_manager_client.cli import upload_values
    from slicer_package_manager_client.cli.upload_file import FileUpload
    from slicer_package_manager_client.receipts import receipt

    started = time.monotonic()
    values = upload_values.of_one(package_type, filepath, given)
    title = f'Upload {Path(filepath).name if filepath else values.get("name")}'
    try:
        with ci.current().section(title):
            outcome = FileUpload(session, lambda: session.client, package_type, given['app_name'], filepath, given,
                                 values).run()
    finally:
        session.print_warnings()
    if given['dry_run']:
        output.show({'status': 'planned', 'would': outcome.status, 'item': outcome.item},
                    f'Would be {outcome.status}.', as_json=as_json)
        return
    made = receipt(session.client.urlBase, outcome, time.monotonic() - started)
    for line in (*outcome.notes, *_receipt_lines(made)):
        output.note(line)
    output.show({'status': outcome.status, 'item': outcome.item, **made},
                _message(package_type, values.get('name'), outcome), as_json=as_json)
    ci.current().summarize([{'name': title.partition(' ')[2], 'status': outcome.status, **made}])
    ci.current().publish({'status': outcome.status, 'item_id': outcome.item['_id'], **_outputs(made)})


def _receipt_lines(made: dict[str, Any]) -> list[str]:
    """Return what is printed on stderr about an upload: stdout has what release 0.11 printed."""
    lines = [f'Item: {made["url"]}', f'Download: {made["download_url"]}']
    if 'attestation_url' in made:
        lines.append(f'Attestation: {made["attestation_url"]}')
    if made['bytes']:
        speed = f' ({readable(made["bytes_per_second"])}/s)' if 'bytes_per_second' in made else ''
        lines.append(f'Sent {readable(made["bytes"])} in {made["seconds"]:.1f} s{speed}.')
    return lines


def _outputs(made: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a receipt that later steps of a job may need."""
    file = made.get('file', {})
    return {'url': made['url'], 'download_url': made['download_url'], 'file_id': file.get('_id'),
            'file_url': file.get('url'), 'sha512': file.get('sha512')}


def _message(package_type: PackageType, name: Any, outcome: Outcome) -> str:
    """Return the text that release 0.11 printed, where it printed one."""
    item, label = outcome.item, package_type.label
    created = f'Create the {package_type.noun} {name}\n' if outcome.created else ''
    return created + {
        'uploaded': f'{item["name"]} ({item["_id"]}) UPLOADED',
        'replaced': f'{name} UPLOADED The {label} is now up-to-date',
        'unchanged': f'{label.capitalize()} "{name}" is already up-to-date; nothing was sent',
        'updated': f'{label.capitalize()} "{name}" is already up-to-date; only its metadata were changed',
        'registered': f'{item["name"]} ({item["_id"]}) REGISTERED',
    }[outcome.status]


def _dashed(name: str) -> str:
    return f'--{name.replace("_", "-") if name in _OF_GITHUB else name}'
