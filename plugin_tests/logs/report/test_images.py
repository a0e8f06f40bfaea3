"""Drawings, as numbers of their parts."""
import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

from slicer_package_manager.logs.report import plots, world
from slicer_package_manager.logs.report.images import FIRST, LAND, SHADES, images
from slicer_package_manager.logs.report.tables import Table
from slicer_package_manager.logs.rules.vocabulary import countries


def styles(text):
    return [one.get('style', '') for one in ET.fromstring(text).iter()]


def fills(text, color):
    """The number of parts with a color of the light theme."""
    return sum(f'fill: var(--{color[1:]})' in style for style in styles(text))


def texts(text):
    return [one.text for one in ET.fromstring(text).iter() if one.tag.endswith('text')]


def days(*values):
    first = date(2026, 11, 1)
    return Table({'day': 'Day', 'one': 'One', 'two': 'Two'}, [
        (first + timedelta(days=number), value, 1) for number, value in enumerate(values) if value is not None])


def test_a_plot_has_a_size_for_each_use():
    drawn = images(plots.over_days(days(1, 2), {'one': 'One', 'two': 'Two'}))
    assert [ET.fromstring(one).get('width') for one in (drawn.wide, drawn.narrow)] == ['1000', '340']
    size = [int.from_bytes(drawn.png[start:start + 4], 'big') for start in (16, 20)]
    assert size == [2100, 1050]  # 7 by 3.5 inches with 300 dots each


def test_days_without_a_value_are_gaps():
    def parts(*values):
        drawing = images(plots.over_days(days(*values), {'one': 'One'})).wide
        return max(one.get('d', '').count('M') for one in ET.fromstring(drawing).iter()
                   if FIRST[1:] in one.get('style', ''))
    assert (parts(5, 6, 7, 8), parts(5, None, 7, 8), parts(5, None, 7, None, 8)) == (1, 2, 3)


def test_plots_depend_on_their_numbers_only_and_not_on_settings_of_the_user():
    plot = plots.bars(days(3, 2), ['a', 'b'], {'one': 'One'})
    first = images(plot)
    with mpl.rc_context({'font.size': 40, 'axes.facecolor': 'red', 'savefig.dpi': 10}):
        assert images(plot) == first
        assert mpl.rcParams['font.size'] == 40


def test_a_plot_has_a_limited_number_of_bars():
    table = Table({'name': 'Name', 'one': 'One'}, [(f'n{number}', 100 - number) for number in range(40)])
    drawn = images(plots.bars(table, [row[0] for row in table.rows], {'one': 'One'}))
    assert [one for one in texts(drawn.wide) if one.startswith('n')] == [f'n{number}' for number in range(plots.MOST)]


def test_ranks_are_named_where_their_lines_end():
    columns = ('extension', 'app', 'rank', 'downloads', 'downloads_before', 'rank_before', 'step 1', 'step 2')
    table = Table(dict.fromkeys(columns, ''), [
        ('Up', '', 1, 9, None, None, 2, 1), ('Gone', '', 2, 5, None, None, 1, None),
        ('Far', '', 3, 1, None, None, 40, 99)])
    found = texts(images(plots.ranks(table, ['Up', 'Gone', 'Far'])).wide)
    assert {'Up', 'Gone'} <= set(found)
    assert 'Far' not in found


@pytest.mark.parametrize('number', [1, 2, 3, 15])
def test_ranks_are_whole_numbers(number):
    columns = {'extension': 'E', 'app': 'A', 'rank': 'R', 'downloads': 'D', 'downloads_before': 'B', 'rank_before': 'C',
               '2026-11-01': '2026-11-01'}
    table = Table(columns, [(f'Name{rank}', 'Slicer', rank, 9, None, None, rank) for rank in range(1, number + 1)])
    found = texts(images(plots.ranks(table, [f'Name{rank}' for rank in range(1, number + 1)])).wide)
    assert '1' in found
    assert [text for text in found if '.' in text] == []


def test_the_map_has_a_shade_for_each_number_of_downloads():
    drawing = images(world.world({'US': 12_000, 'DE': 150, 'FR': 120, 'unknown': 10 ** 9, 'other': 3})).wide
    # France has one outline; each color is in the legend too.
    assert [fills(drawing, shade) for shade in SHADES] == [1, 1, 3, 1, 2]
    assert fills(drawing, LAND) > 150
    assert texts(drawing) == ['none', '1 to 9', '10 to 99', '100 to 999', '1,000 to 9,999', '10,000 to 99,999']


def test_a_country_without_an_outline_is_a_dot():
    without, with_dot = (images(world.world(dict.fromkeys(codes, 1))).wide for codes in (['DE'], ['DE', 'SG']))
    assert len(re.findall('<use', with_dot)) == len(re.findall('<use', without)) + 1


def test_every_outline_is_of_a_country_and_on_the_map():
    outlines = world._outlines()
    assert set(outlines) <= countries().keys()
    assert len(outlines) > 170
    ends = [outline.get_extents() for outline in outlines.values()]
    assert max(one.x1 for one in ends) < 2.71
    assert min(one.x0 for one in ends) > -2.71


@pytest.mark.parametrize('degrees', [(0, 0), (30, 45), (-90, -45), (170, 80)])
def test_areas_on_the_map_are_those_of_the_sphere(degrees):
    """The determinant of the derivative is that of the sphere, the cosine of the latitude."""
    step = 1e-4
    around = np.array(degrees) + step * np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])
    east, west, north, south = world._projected(around)
    derivative = np.array([east - west, north - south]) / np.radians(2 * step)
    assert np.linalg.det(derivative) == pytest.approx(np.cos(np.radians(degrees[1])), rel=1e-5)
