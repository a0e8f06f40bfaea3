"""What came of a run: a table for people and JSON for programs."""
from __future__ import annotations

import json
import os
import platform
import statistics
from datetime import datetime, timezone
from importlib.metadata import version

from benchmarks import peer
from benchmarks.servers import PEER

_HEAD = ('Case', 'Unit', 'Ours', 'Other', 'Ratio', 'Of the turns', 'At least', '')


def table(results):
    """The results as Markdown; a ratio above 1 says that ours is better."""
    return '\n'.join(map(_line, [_HEAD, tuple('---' for _ in _HEAD), *map(_row, results)]))


def _line(row):
    return '| ' + ' | '.join(row) + ' |'


def _row(result):
    case = result.case
    target = '' if case.target is None else f'{case.target:.3g}'
    verdict = '' if case.target is None else 'met' if result.good else '**missed**'
    return (case.title, case.unit, _number(statistics.median(result.ours)), _other(result), f'**{result.ratio:.2f}**',
            f'{min(result.ratios):.2f} to {max(result.ratios):.2f}', target, verdict)


def _other(result):
    number = _number(statistics.median(result.other))
    if result.case.limit is not None:
        return f'{number} (limit)'
    return number if result.case.sides[1] == PEER else f'{number} ({result.case.sides[1]})'


def summary(result):
    """The result in a line."""
    missed = '' if result.good else f', but {result.case.target:.3g} is wanted'
    return (f'{result.case.name}: {_number(statistics.median(result.ours))} {result.case.unit}, other '
            f'{_other(result)}, ratio {result.ratio:.2f}{missed}')


def _number(value):
    return f'{value:.0f}' if value >= 100 else f'{value:.3g}'


def write(path, suite, results, options):
    """Write everything that was measured to ``path``, and the table to the same name with the suffix ``.md``."""
    now = f'{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}'
    path.write_text(json.dumps({
        'suite': suite, 'finished': now, 'ours': version('slicer-package-manager'), 'girder': version('girder'),
        'peer': peer.REQUIREMENTS, 'python': platform.python_version(), 'processors': os.cpu_count(),
        'options': options._asdict(), 'cases': list(map(_as_json, results))}, indent=1) + '\n')
    loaded = ', '.join(f'{key} {value}' for key, value in options._asdict().items())
    path.with_suffix('.md').write_text(
        f'# {suite}, {now}\n\n{os.cpu_count()} processors; {loaded}.\n\n{table(results)}\n')


def _as_json(result):
    case = result.case
    return {'name': case.name, 'title': case.title, 'unit': case.unit, 'better': case.better, 'target': case.target,
            'limit': case.limit, 'ratio': round(result.ratio, 3), 'good': result.good,
            'ratios': _rounded(result.ratios), 'turns': {side: _rounded(some) for side, some in result.numbers.items()}}


def _rounded(numbers):
    return [round(number, 3) for number in numbers]
