"""Command that checks files before they are uploaded."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager_client.cli import options, output
from slicer_package_manager_client.cli.session import Session, pass_session
from slicer_package_manager_client.errors import InvalidRequest
from slicer_package_manager_client.fields import ARCHITECTURES, OPERATING_SYSTEMS, PACKAGE_TYPES

if TYPE_CHECKING:
    from slicer_package_manager_client.fields import PackageType
    from slicer_package_manager_client.inspection.contents import Problem

_TYPES = {one.label: one for one in reversed(PACKAGE_TYPES)}


@click.command()
@click.argument('filepath', nargs=-1, required=True, metavar='FILEPATH...')
@options.option('--type', 'label', type=click.Choice(list(_TYPES)), default='extension', show_default=True,
                help='What the files are')
@options.option('--os', type=click.Choice(OPERATING_SYSTEMS), help='Operating system  [default: that in the name]')
@options.option('--arch', type=click.Choice(ARCHITECTURES), help='Architecture  [default: that in the name]')
@options.option('--name', help='Base name  [default: that in the name of the file]')
@options.option('--app_revision', help='Revision of the application  [default: that in the name of the file]')
@options.option('--metadata', multiple=True, metavar='FILE', type=click.Path(dir_okay=False),
                help='Catalog entry (.json) or .s4ext file')
@options.option('--against', metavar='APP_NAME', help='Compare sizes with the last builds in this application')
@options.every_command
@pass_session
def check(session: Session, /, filepath: tuple[str, ...], label: str, against: str | None, coll_id: str | None,
          as_json: bool, **given: Any) -> int:
    """Check archives before an upload, without a server unless --against is given.

    Is each file an archive, does its top folder have the name that Slicer needs, do the binaries in it fit the system,
    are the metadata complete and their URLs usable? The exit status is 2 if there are errors; warnings do not change
    it.
    """
    found = {}
    for path in dict.fromkeys(filepath):
        found[path] = _problems(path, _TYPES[label], given)
        if against:
            found[path] += _compared(session, against, coll_id, _TYPES[label], path, given)
    _show(found, as_json=as_json)
    is_wrong = any(problem.level == 'error' for problems in found.values() for problem in problems)
    return InvalidRequest.exit_code if is_wrong else 0


def _values(path: str, package_type: PackageType, given: dict[str, Any]) -> dict[str, Any]:
    from slicer_package_manager_client.cli import upload_values

    options_ = {one.option: given.get(one.option) for one in package_type.fields}
    if package_type.app_revision == 'revision':
        options_['revision'] = given['app_revision']
    return upload_values.of_each(package_type, path, {**options_, 'metadata': given['metadata']},
                                 lambda text: output.note(f'{path}: {text}'))


def _problems(path: str, package_type: PackageType, given: dict[str, Any]) -> list[Problem]:
    from slicer_package_manager_client import checks
    from slicer_package_manager_client.inspection import contents

    if not Path(path).is_file():
        return [contents.Problem(contents.ERROR, 'There is no such file.')]
    try:
        values = _values(path, package_type, given)
    except InvalidRequest as error:
        return [contents.Problem(contents.ERROR, str(error))]
    return checks.check(Path(path), package_type, values)


def _compared(session: Session, app_name: str, coll_id: str | None, package_type: PackageType, path: str,
              given: dict[str, Any]) -> list[Problem]:
    """Compare the size with that of the newest build for the system, if there is one."""
    from slicer_package_manager_client import checks

    client = session.client
    client.findApp(app_name, coll_id)
    if not Path(path).is_file():
        return []
    values = _values(path, package_type, given)
    if not values.get('name'):
        return []
    builds = client.listPackages(package_type, app_name, coll_id=coll_id, name=values['name'], os=values.get('os'),
                                 arch=values.get('arch'), limit=1)
    return list(checks.compare(Path(path).stat().st_size, builds[0].get('size') or 0)) if builds else []


def _show(found: dict[str, list[Problem]], *, as_json: bool) -> None:
    rows = [(path, problem.level, problem.message) for path, problems in found.items() for problem in problems]
    rows += [(path, 'ok', '') for path, problems in found.items() if not problems]
    document = [{'path': path, 'problems': [vars(problem) for problem in problems]} for path, problems in found.items()]
    output.show({'files': document}, output.table(('FILE', 'RESULT', 'PROBLEM'), rows), as_json=as_json)
