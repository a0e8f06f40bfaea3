"""Run a suite: ``python -m benchmarks calls``."""
from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import origin, peer, report, runner, servers
from benchmarks.cases import SUITES
from benchmarks.options import FULL, QUICK
from benchmarks.servers import FORMER, PEER, Run


@click.command()
@click.argument('suite', type=click.Choice(list(SUITES)))
@click.option('--cases', 'wanted', metavar='NAME,...', help='Only these cases.')
@click.option('--quick', is_flag=True, help='Less data and short turns: some minutes, and rougher ratios.')
@click.option('--drafts', type=click.IntRange(1), help='Drafts of both servers.')
@click.option('--turns', type=click.IntRange(1), help='How often each case runs on each server.')
@click.option('--seconds', type=click.IntRange(1), help='Length of a turn of those cases that count requests.')
@click.option('--clients', type=click.IntRange(1), help='Connections of those cases.')
@click.option('--workers', type=click.IntRange(1), help='Processes of our server; the peer has one.')
@click.option('--peer-python', help='Python of an environment that has the peer.')
@click.option('--prepare-peer', metavar='PYTHON', help='Install the peer first, with this Python 3.10.')
@click.option('--former-python', type=click.Path(exists=True, path_type=Path),
              help='Python of the environment of another checkout of this server, for the cases that compare with it.')
@click.option('--output', type=click.Path(path_type=Path),
              help='Write all numbers to this JSON file, and the table beside it.')
def main(suite, wanted, quick, peer_python, prepare_peer, former_python, output, **given):
    """Measure this server against the published peer; fails if a ratio misses its target."""
    # Else the servers would outlive a run that is ended so.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    options = (QUICK if quick else FULL)._replace(**{key: value for key, value in given.items() if value})
    cases = _chosen(SUITES[suite], wanted, former_python)
    sides = {side for case in cases for side in case.sides}
    pythons = {FORMER: former_python}
    if PEER in sides:
        pythons[PEER] = peer.prepare(prepare_peer) if prepare_peer else peer.python(peer_python)
    results = _run(cases, {side: pythons.get(side, Path(sys.executable)) for side in sorted(sides)}, options)
    click.echo(report.table(results))
    if output:
        report.write(output, suite, results, options)
    sys.exit(not all(result.good for result in results))


def _chosen(cases, wanted, former_python):
    known = {case.name: case for case in cases}
    names = wanted.split(',') if wanted else [case.name for case in cases if former_python or FORMER not in case.sides]
    if unknown := set(names) - set(known):
        raise click.BadParameter(f'There is no case {", ".join(sorted(unknown))}; there are {", ".join(known)}.')
    if not former_python and any(FORMER in known[name].sides for name in names):
        raise click.BadParameter('Name the Python of the version to compare with, by --former-python.')
    return [case for case in cases if case.name in names]


def _run(cases, pythons, options):
    progress = Progress(TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                        console=Console(stderr=True))
    results = []
    with contextlib.ExitStack() as stack:
        elsewhere = stack.enter_context(origin.running())
        running = {side: stack.enter_context(servers.start(side, python, elsewhere, Run(options.workers)))
                   for side, python in pythons.items()}
        stack.enter_context(progress)
        for result in runner.run(cases, running, options, progress):
            results.append(result)
            progress.console.print(report.summary(result), markup=False, highlight=False)
    return results


if __name__ == '__main__':
    main()
