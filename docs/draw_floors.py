"""Draw ``docs/images/floors.svg``: which floor of the server imports which.

``python docs/draw_floors.py`` writes the drawing from the arrows in ``plugin_tests/test_layers.py``, which are compared
with the imports. With ``--check``, it changes nothing; the exit code is 1 if the drawing is out of date.

Each row is a floor and each dot an import of the floor in the dot's column. Rows and columns have the same order, so a
dot left of the diagonal would be an import of a higher floor.
"""
from __future__ import annotations

import argparse
import sys
from graphlib import TopologicalSorter
from pathlib import Path

HERE = Path(__file__).parent
DRAWING = HERE / 'images' / 'floors.svg'
#: Pixels: one cell, the labels beside the rows, the labels above the columns.
CELL, LEFT, TOP = 22, 210, 130
STYLE = (
    '<style>'
    'text{font:13px ui-monospace,Menlo,Consolas,monospace;fill:#24292f}'
    'circle{fill:#0969da}.diagonal{fill:#8c959f}.even{fill:#f6f8fa}.page{fill:#fff}'
    '@media(prefers-color-scheme:dark){'
    'text{fill:#e6edf3}circle{fill:#58a6ff}.diagonal{fill:#57606a}.even{fill:#161b22}.page{fill:#0d1117}}'
    '</style>')


def order(arrows: dict[str, set[str]]) -> list[str]:
    """The floors from the top, each above all that it imports; the folders of one package stay together if they can."""
    sorter = TopologicalSorter(arrows)
    sorter.prepare()
    found: list[str] = []
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=lambda floor: _nearness(floor, found))
        found.append(ready.pop(0))
        sorter.done(found[-1])
    return found[::-1]


def _nearness(floor, found):
    package = floor.partition('.')[0]
    return (bool(found) and found[-1].partition('.')[0] != package, floor)


def label(floor: str) -> str:
    """The path of the floor in ``slicer_package_manager/``."""
    return floor.replace('.', '/') or '__init__'


def drawing(arrows: dict[str, set[str]]) -> str:
    """The whole file; one line for each row, text and dot, so that changes of two branches merge."""
    floors = order(arrows)
    width, height = LEFT + CELL * len(floors) + 80, TOP + CELL * len(floors) + 10
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
             '<title>Floors of the server, and which floor imports which</title>', STYLE,
             f'<rect class="page" width="{width}" height="{height}"/>']
    for number, floor in enumerate(floors):
        middle = CELL * number + CELL // 2
        x, y = LEFT + middle, TOP + middle
        if number % 2 == 0:
            lines.append(f'<rect class="even" y="{TOP + CELL * number}" width="{width}" height="{CELL}"/>')
        lines += [f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{label(floor)}</text>',
                  f'<text transform="translate({x + 4} {TOP - 8}) rotate(-60)">{label(floor)}</text>',
                  f'<circle class="diagonal" cx="{x}" cy="{y}" r="3"/>']
        lines += [_dot(floor, one, LEFT + CELL * floors.index(one) + CELL // 2, y)
                  for one in sorted(arrows[floor], key=floors.index)]
    return '\n'.join([*lines, '</svg>', ''])


def _dot(floor, other, x, y):
    return f'<circle cx="{x}" cy="{y}" r="6"><title>{label(floor)} imports {label(other)}</title></circle>'


def main() -> None:
    """Write or check the drawing."""
    sys.path.insert(0, str(HERE.parent))
    from plugin_tests.test_layers import ARROWS  # noqa: PLC0415
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--check', action='store_true', help='write nothing; exit with 1 if it is out of date')
    new = drawing(ARROWS)
    if parser.parse_args().check:
        sys.exit(not DRAWING.is_file() or DRAWING.read_text(encoding='utf-8') != new)
    DRAWING.parent.mkdir(exist_ok=True)
    DRAWING.write_text(new, encoding='utf-8')


if __name__ == '__main__':
    main()
