"""What came of a run: a table for people and JSON for programs."""
from __future__ import annotations

import json
import os
import platform
import statistics
from datetime import datetime, timezone
from importlib.metadata import version

from benchmarks import peer

_HEAD = ('Case', 'Unit', 'Ours', 'Peer', 'Ratio', 'Of the turns', 'At least', '')


def table(results):
    """The results as Markdown; a ratio above 1 says that ours is better."""
    rows = [_HEAD, tuple('---' for _ in _HEAD), *(_row(result) for result in results)]
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in rows)


def _row(result):
    case = result.case
    return (case.name, case.unit, _number(statistics.median(result.ours)), _number(statistics.median(result.peer)),
            f'**{result.ratio:.2f}**', f'{min(result.ratios):.2f} to {max(result.ratios):.2f}', f'{case.target:.1f}',
            'good' if result.good else 'MISSED')


def _number(value):
    return f'{value:.0f}' if value >= 100 else f'{value:.1f}'


def write(path, suite, results, options):
    """Write everything that was measured, with what is needed to judge it."""
    path.write_text(json.dumps({
        'suite': suite, 'finished': f'{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}',
        'ours': version('slicer-package-manager'), 'girder': version('girder'), 'peer': peer.REQUIREMENTS,
        'python': platform.python_version(), 'processors': os.cpu_count(), 'options': vars(options),
        'cases': [{'name': one.case.name, 'unit': one.case.unit, 'better': one.case.better,
                   'target': one.case.target, 'ratio': round(one.ratio, 3), 'good': one.good,
                   'ratios': _rounded(one.ratios), 'ours': _rounded(one.ours), 'peer': _rounded(one.peer)}
                  for one in results]}, indent=1) + '\n')


def _rounded(numbers):
    return [round(number, 3) for number in numbers]
