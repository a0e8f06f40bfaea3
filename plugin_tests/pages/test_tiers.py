"""Tiers on the pages: Slicer's scale, on which higher is better, in Slicer's words."""
import re

import pytest
from bson import ObjectId
from playwright.sync_api import expect

from plugin_tests.pages.test_catalog import LARGE, names, pictures, wait_for_list
from plugin_tests.site import EXTENSIONS
from slicer_package_manager.registry.schema.fields import EXTENSION

EXPERIMENTAL, COMMUNITY, CORE = 'Experimental', 'Community-supported', 'Supported by Slicer core developers'
WORDS = {None: None, -1: EXPERIMENTAL, 0: EXPERIMENTAL, 1: EXPERIMENTAL, 2: EXPERIMENTAL, 3: COMMUNITY, 4: COMMUNITY,
         5: CORE, 6: CORE}


def with_tier(least):
    return [one['name'] for one in EXTENSIONS if (one.get('tier') or 0) >= least]


@pytest.fixture
def tiers(site):
    """An application with an extension for each of the tiers in ``WORDS``, named after it."""
    app = site.application('Tiers')
    for tier in WORDS:
        site.extension(app, baseName=f'T{tier}', **({} if tier is None else {'tier': tier}))
    yield app
    site.client.delete(f'/app/{app}').raise_for_status()


def test_each_tier_has_slicers_words(open_window, tiers):
    page = open_window(f'/catalog/All/33241/linux?app={tiers}').page
    wait_for_list(page, len(WORDS))
    for tier, words in WORDS.items():
        card = page.locator('.card').filter(has=page.get_by_role('heading', name=f'T{tier}', exact=True))
        expect(card.locator('.tier')).to_have_text([words] if words else [])
    page.goto(f'/catalog/All/33241/linux?app={tiers}&extension=T3')
    expect(page.locator('.title .tier')).to_have_text(COMMUNITY)
    expect(page.locator('dl.facts')).to_contain_text(COMMUNITY)


@pytest.mark.parametrize(('least', 'shown'), [('', list(WORDS)), ('3', [3, 4, 5, 6]), ('5', [5, 6])])
def test_the_filter_shows_that_tier_and_better_ones(open_window, tiers, least, shown):
    page = open_window(f'/catalog/All/33241/linux?app={tiers}').page
    wait_for_list(page, len(WORDS))
    page.locator('#tier').select_option(least)
    wait_for_list(page, len(shown))
    assert sorted(names(page)) == sorted(f'T{tier}' for tier in shown)


def test_the_best_supported_come_first_and_the_unknown_last(open_window, tiers):
    page = open_window(f'/catalog/All/33241/linux?app={tiers}&sort=tier').page
    wait_for_list(page, len(WORDS))
    assert names(page) == ['T6', 'T5', 'T4', 'T3', 'T2', 'T1', 'T0', 'T-1', 'TNone']


@pytest.mark.parametrize(('tier', 'words'), [
    ('5', CORE), (' 3 ', COMMUNITY), (1, EXPERIMENTAL), ('', None), (None, None), ('NA', None), ([5], None),
    (True, None)])
def test_a_number_may_come_as_text(open_window, site, tiers, tier, words):
    site.database['item'].update_many({'spm.app': ObjectId(tiers)}, {'$set': {'meta.tier': tier}})
    for script in (False, True):
        page = open_window(f'/catalog/All/33241/linux?app={tiers}', java_script_enabled=script).page
        wait_for_list(page, len(WORDS))
        if script:  # which draws the cards again
            page.locator('#search').fill('T3')
            wait_for_list(page, 1)
        expect(page.locator('.card .tier').first).to_have_text(words) if words else expect(
            page.locator('.card .tier')).to_have_count(0)


def test_real_extensions_by_their_tiers(open_window, album):
    window = open_window(LARGE + '?tier=3')
    page = window.page
    wait_for_list(page, len(with_tier(3)))
    assert sorted(names(page)) == sorted(with_tier(3))
    expect(page.locator('#tier')).to_have_value('3')
    assert not page.locator('.card .tier', has_text=EXPERIMENTAL).count()
    page.locator('#tier').select_option(label=CORE)
    wait_for_list(page, len(with_tier(5)))
    page.locator('#sort').select_option('tier')
    assert 'tier=5' in page.url
    assert window.accessibility() == {}
    page.locator('#tier').select_option('')
    wait_for_list(page, len(EXTENSIONS))
    assert names(page)[0] == min(with_tier(5), key=str.lower)
    pictures(window, album, 'tiers')


def test_a_filter_that_no_extension_passes_offers_all_extensions(open_window, site, tiers):
    site.extension(tiers, baseName='Odd', tier=1, category='Odd')
    page = open_window(f'/catalog/Odd/33241/linux?app={tiers}&tier=5').page
    expect(page.locator('#empty')).to_contain_text('None of these extensions is supported that well.')
    page.locator('#empty a').click()
    wait_for_list(page, 1)
    expect(page.locator('#tier')).to_have_value('')


def test_an_unknown_level_in_the_address_is_passed_over(open_window):
    for word in ('2', 'x', '', '-1', '3.0'):
        page = open_window(f'{LARGE}?tier={word}').page
        expect(page.locator('#count')).to_contain_text(re.compile(rf'^{len(EXTENSIONS)} '))


def test_the_field_is_explained_in_the_same_direction():
    help_of_tier = next(field.description for field in EXTENSION.fields if field.name == 'tier')
    assert help_of_tier == ('Support level, higher is better: 1 experimental, 3 community-supported, 5 supported by '
                            'Slicer core developers.')
