"""Plots as files: SVG for the page, in light and dark colors, and PNG for papers."""
from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

#: The colors of plots, each with the one that replaces it on dark pages.
INK, MUTED, LINE, LAND = '#17202c', '#566273', '#dde2e9', '#e1e5ec'
FIRST, SECOND = '#1d5fd1', '#c2570c'
#: Colors of few and of many downloads, on the map.
SHADES = ('#b9d2f8', '#86aef0', '#5287e3', '#2a62c4', '#123c86')
_PAPER = '#ffffff'
_DARK = {INK: '#e7ecf3', MUTED: '#a3afbf', LINE: '#2c3541', LAND: '#2a323d', FIRST: '#8ab4ff', SECOND: '#f2a65e',
         _PAPER: '#1a2028',
         **dict(zip(SHADES, ('#24477c', '#336ab8', '#5590e8', '#8db8f8', '#d3e4ff'), strict=True))}
_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif"
_SVG = 'http://www.w3.org/2000/svg'
_DECIMALS = re.compile(r'\d+\.\d{2,}')
#: Dots of an inch in print, and different colors, of which most are those of smooth edges.
_DPI, _SHADES_IN_PRINT = 300, 96


class Size(NamedTuple):
    """The size of a plot and of its font, in pixels of CSS, of which an inch has 72 here."""

    width: int
    height: int
    font: float

    @property
    def is_narrow(self) -> bool:
        """Whether it is for a telephone."""
        return self.width < 500  # noqa: PLR2004


#: Of the window of a computer, of a telephone, and of a column of a page in print.
WIDE, NARROW, PRINT = Size(1000, 360, 13), Size(340, 330, 12), Size(504, 252, 8)
#: Draws on a figure.
Draw = Callable[[Figure, Size], None]


class Plot(NamedTuple):
    """A plot, with the sizes that suit it."""

    draw: Draw
    wide: Size = WIDE
    narrow: Size = NARROW
    print: Size = PRINT

    def scaled(self, height: float) -> Plot:
        """Return the plot with the ``height``, a factor."""
        return Plot(self.draw, *(size._replace(height=round(size.height * height)) for size in self[1:]))


class Images(NamedTuple):
    """The files of one plot."""

    wide: str
    narrow: str
    png: bytes


def images(plot: Plot) -> Images:
    """Return the files of ``plot``."""
    return Images(_svg(plot.draw, plot.wide), _svg(plot.draw, plot.narrow), _png(plot.draw, plot.print))


@contextmanager
def _drawn(draw: Draw, size: Size) -> Iterator[Figure]:
    """Give the figure that ``draw`` draws on, whatever the user's settings of Matplotlib are."""
    settings = {'svg.fonttype': 'none', 'svg.hashsalt': 'report', 'text.parse_math': False, 'font.size': size.font,
                'font.family': ['DejaVu Sans'], 'text.color': INK, 'axes.labelcolor': INK, 'xtick.color': MUTED,
                'ytick.color': MUTED, 'axes.edgecolor': LINE, 'axes.grid': True, 'axes.axisbelow': True,
                'grid.color': LINE, 'axes.spines.top': False, 'axes.spines.right': False, 'axes.spines.left': False,
                'axes.facecolor': 'none', 'figure.facecolor': _PAPER, 'xtick.labelsize': size.font,
                'ytick.labelsize': size.font, 'legend.fontsize': size.font, 'legend.frameon': False,
                'hatch.linewidth': 0.8, 'ytick.major.size': 0}
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams.update(settings)
        # Names may have characters that the font lacks.
        warnings.filterwarnings('ignore', message='Glyph .* missing from font')
        figure = Figure(figsize=(size.width / 72, size.height / 72), layout='constrained')
        draw(figure, size)
        yield figure


def _png(draw: Draw, size: Size) -> bytes:
    file = io.BytesIO()
    with _drawn(draw, size) as figure:
        figure.set_dpi(_DPI)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert('RGB')
    image.quantize(_SHADES_IN_PRINT, Image.Quantize.FASTOCTREE).save(file, 'png', optimize=True, dpi=(_DPI, _DPI))
    return file.getvalue()


def _svg(draw: Draw, size: Size) -> str:
    file = io.StringIO()
    with _drawn(draw, size) as figure:
        figure.savefig(file, format='svg', metadata={'Date': None, 'Creator': None, 'Format': None, 'Type': None})
    return _themed(file.getvalue(), size)


def _themed(text: str, size: Size) -> str:
    """Return a drawing of Matplotlib with colors that follow the theme of the page, and without needless digits."""
    ET.register_namespace('', _SVG)
    ET.register_namespace('xlink', 'http://www.w3.org/1999/xlink')
    root = ET.fromstring(text)  # noqa: S314 - it is our own
    for element in root.iter():
        element.tail = None
        element.text = element.text and (element.text.strip() or None)
        if 'style' in element.attrib:
            element.set('style', _with_variables(element.attrib['style']))
        if 'd' in element.attrib:
            element.set('d', _DECIMALS.sub(lambda found: f'{float(found[0]):.1f}', element.attrib['d']))
    root.set('width', str(size.width))
    root.set('height', str(size.height))
    style = ET.Element(f'{{{_SVG}}}style')
    style.text = (f'svg{{{_variables({color: color for color in _DARK})}}}'
                  f'@media (prefers-color-scheme:dark){{svg{{{_variables(_DARK)}}}}}')
    root.insert(0, style)
    return ET.tostring(root, encoding='unicode')


def _with_variables(style: str) -> str:
    for color in _DARK:
        style = style.replace(color, f'var(--{color[1:]})')
    return style.replace("'DejaVu Sans'", _FONT)


def _variables(colors: dict[str, str]) -> str:
    return ''.join(f'--{name[1:]}:{color};' for name, color in colors.items())
