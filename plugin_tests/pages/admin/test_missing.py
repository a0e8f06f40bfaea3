"""The matrix of missing extensions on the page of an application."""
import pytest

HOSTILE = 'A <img src=x onerror=alert(1)>'


@pytest.mark.parametrize('width', ['wide', 'narrow'])
def test_the_matrix_names_what_each_build_lacks(open_girder, app, fill, expect, width):
    expect('Extension0', HOSTILE, 'Third')
    fill('33241', systems=(('linux', 'amd64'), ('macosx', 'arm64')))
    fill('33300', extensions=0)
    girder = open_girder(width=width).go(f'packages/{app["_id"]}', '.spm-missing')
    table = girder.page.locator('.spm-missing')
    assert table.locator('thead th').all_inner_texts() == ['Extension', 'Tier', '33300', '33241']
    found = {row.locator('th').inner_text(): [cell.split('\n') for cell in row.locator('td').all_inner_texts()]
             for row in table.locator('tbody tr').all()}
    waiting = ['linux amd64 (still being built)', 'macosx arm64 (still being built)']
    assert found == {
        'Present': [[''], ['linux amd64: 0 of 3'], ['linux amd64: 1 of 3', 'macosx arm64: 1 of 3']],
        'Third': [['3'], ['linux amd64'], waiting], HOSTILE: [['1'], ['linux amd64'], waiting],
        'Extension0': [['1'], ['linux amd64'], ['']]}
    assert table.locator('[title]').last.get_attribute('title') == 'since 33300, last built for 33241'


def test_without_an_index_the_page_names_the_command(open_girder, app):
    girder = open_girder().go(f'packages/{app["_id"]}')
    girder.page.locator('code', has_text='expected sync').wait_for()
