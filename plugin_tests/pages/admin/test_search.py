"""The search of the administration, by keyboard."""
import pytest
from playwright.sync_api import expect as eventually


@pytest.mark.parametrize('width', ['wide', 'narrow'])
def test_a_draft_and_an_extension_are_found_by_keyboard(open_girder, site, app, release, fill, width, album):
    release('5.8.1', '98241')
    fill('98241')
    fill('98300')
    girder = open_girder(width=width).go('packages')
    page = girder.page
    page.keyboard.press('/')
    page.wait_for_function("document.activeElement.id === 'search'")
    page.keyboard.type('98300')
    hit = page.locator('.spm-found a')
    eventually(hit).to_have_text(['98300', 'Slicer'])  # the draft, and the package in it
    eventually(page.locator('.spm-search [role=status]')).to_contain_text('2 hits')
    page.keyboard.press('Enter')
    page.wait_for_selector('.spm-panel')  # of the draft; Girder shows its page when it has arrived
    girder.go(f'packages/{app["_id"]}')
    page.keyboard.press('/')
    page.keyboard.type('982')
    eventually(hit).to_have_text(['5.8.1'])  # by its revision
    page.keyboard.press('Control+a')
    page.keyboard.type('extension0')
    eventually(hit.first).to_have_text('Extension0')
    assert (girder.window.accessibility('.spm-search'), girder.window.sideways()) == ({}, 0)
    album.keep(girder.window, f'admin-search-{width}')
    page.keyboard.press('Control+a')
    page.keyboard.type('ab12cd3400000000')  # a longer hash than that which is stored
    eventually(page.locator('.spm-found li').first).to_contain_text('sources at ab12cd3')
    page.keyboard.press('ArrowDown')
    page.wait_for_function("document.activeElement.textContent === 'Extension0'")
    page.keyboard.press('Escape')
    eventually(hit).to_have_count(0)
    page.wait_for_function("document.activeElement.id === 'search'")
    page.keyboard.type('nothing-like-that')
    page.get_by_text('Nothing has this name or revision.').wait_for()
