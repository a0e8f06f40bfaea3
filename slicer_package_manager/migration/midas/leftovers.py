"""What the report states about data of MIDAS that was changed, or that has no place here."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from slicer_package_manager.migration.midas import tables
from slicer_package_manager.migration.midas.data import Data
from slicer_package_manager.migration.midas.plan import Plan
from slicer_package_manager.migration.midas.rules import moments
from slicer_package_manager.migration.notes import Note, Outcome

#: How many numbers one note lists.
_LISTED = 20


def notes(plan: Plan, roots: Mapping[str, Path]) -> Iterator[Note]:
    """Yield the notes about all of ``plan`` and its data.

    :param roots: the directories that were given for assetstores.
    """
    data = plan.data
    yield from _changed(data)
    yield from _dangling(data)
    yield from _files(plan, roots)
    yield from _without_place(plan)


def _changed(data: Data) -> Iterator[Note]:
    for column, number in sorted(data.mended.items()):
        yield Note(Outcome.MENDED, 'column', column, column, f'{number} texts were stored in a wrong character set')
    for column, numbers in sorted(data.cut.items()):
        yield Note(Outcome.MENDED, 'column', column, column,
                   f'{len(numbers)} values have exactly the greatest length, so MIDAS may have cut them off: '
                   f'{_listed(numbers)}')
    undated = [one.id for one in data.items.values() if moments.moment(one.created) is None]
    if undated:
        yield Note(Outcome.MENDED, 'dates', '', 'item.date_creation', f'{len(undated)} items have no date, so that '
                   f'theirs is that of their first upload: {_listed(undated)}')
    shift = data.shift
    hours = shift.difference.total_seconds() / 3600
    if hours:
        yield Note(Outcome.MENDED, 'dates', '', 'dates', f'they are corrected by {-hours:+g} hours, the difference of '
                   f'{shift.agreeing} of {shift.pairs} items')


def _dangling(data: Data) -> Iterator[Note]:
    for table, numbers in sorted(data.dangling.items()):
        yield Note(Outcome.LEFT_OUT, 'table', table, table,
                   f'{len(numbers)} rows refer to nothing: {_listed(numbers)}')


def _files(plan: Plan, roots: Mapping[str, Path]) -> Iterator[Note]:
    for number, total in sorted(plan.stores.items()):
        if str(number) not in roots:
            yield Note(Outcome.UNDECIDED, 'assetstore', str(number), str(plan.data.stores.get(number, {}).get('name')),
                       f'no directory is given for it; it has {total.files} files with {total.bytes} bytes',
                       f'Run the import again with --assetstore {number}=DIR.')
    for name, root in sorted(roots.items()):
        left = _without_row(plan, int(name), root) if name.isdecimal() else 0
        if left:
            yield Note(Outcome.LEFT_OUT, 'assetstore', name, str(root), f'{left} files in it belong to no row')
    if plan.beside.files:
        what = (f'{plan.beside.files} files with {plan.beside.bytes} bytes of older revisions, and beside the file of '
                'an item, ')
        yield (Note(Outcome.NOT_LISTED, 'old revisions', '', '', f'{what}can be read by their old links only')
               if plan.keep_old else Note(Outcome.LEFT_OUT, 'old revisions', '', '', f'{what}are not imported',
                                          'Import them with --old-revisions keep.'))


def _without_row(plan: Plan, number: int, root: Path) -> int:
    """How many files in the directory ``root`` of an assetstore the database does not know."""
    known = {hash(file.path) for file in plan.data.files_of_all() if file.store == number}  # less than the paths
    return sum(hash(path.relative_to(root).as_posix()) not in known for path in root.glob('*/*/*') if path.is_file())


def _without_place(plan: Plan) -> Iterator[Note]:
    for table, what in tables.LEFT_OUT.items():
        number = plan.data.counts[table]
        if number:
            yield Note(Outcome.LEFT_OUT, 'table', table, table, f'{number} {what}')
    if plan.data.thumbnails:
        yield Note(Outcome.LEFT_OUT, 'thumbnail', '', '', f'{plan.data.thumbnails} thumbnails')
    others = [one for one in plan.data.items if not plan.data.rows_of(one)]
    if others:
        yield Note(Outcome.LEFT_OUT, 'item', '', '', f'{len(others)} items are neither packages nor extensions: '
                   f'{_listed(others)}')


def _listed(numbers: list[int]) -> str:
    more = f' and {len(numbers) - _LISTED} more' if numbers[_LISTED:] else ''
    return ', '.join(map(str, numbers[:_LISTED])) + more
