"""The matrix of missing extensions on the page of an application."""
import pytest

HOSTILE = 'A <img src=x onerror=alert(1)>'


@pytest.mark.parametrize('width', ['wide', 'narrow'])
def test_the_matrix_names_what_each_build_lacks(open_girder, app, fill, expect, width):
    expect('Extension0', HOSTILE, 'Third')
    fill('33241', systems=(('linux', 'amd64'), ('macosx', 'arm64')))
    fill('33300', extensions=0)
    girder = open_girder(width=width).go(f'packages/{app["_id"]}', '.spm-missing table')
    table = girder.page.locator('.spm-missing table')
    assert table.locator('thead th').all_inner_texts() == ['Extension', 'Tier', '33300', '33241']
    found = {row.locator('th').inner_text(): [cell.split('\n') for cell in row.locator('td').all_inner_texts()]
             for row in table.locator('tbody tr').all()}
    never = ['Linux amd64', 'since 33300, never built']
    first = 'since 33241, never built'
    waiting = ['Linux amd64 (still being built)', first, 'macOS arm64 (still being built)', first]
    assert found == {
        'Present': [[''], ['Linux amd64: 0 of 3'], ['Linux amd64: 1 of 3', 'macOS arm64: 1 of 3']],
        'Third': [['3'], never, waiting], HOSTILE: [['1'], never, waiting],
        'Extension0': [['1'], ['Linux amd64', 'since 33300, last in 33241'], ['']]}
    assert [row.locator('th').inner_text() for row in table.locator('tbody tr').all()] == [
        'Present', 'Extension0', 'Third', HOSTILE]
    girder.page.get_by_text('33300 lacks 1 extension that an earlier build has: Extension0.').wait_for()
    assert girder.window.accessibility('.spm-missing') == {}


def test_without_an_index_the_page_names_the_command(open_girder, app):
    girder = open_girder().go(f'packages/{app["_id"]}')
    girder.page.locator('code', has_text='expected sync').wait_for()
