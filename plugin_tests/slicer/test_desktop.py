"""The Extensions Manager of Slicer, in both web engines that Slicer embeds, with the server."""
import pytest

from plugin_tests.waiting import poll

pytestmark = pytest.mark.process

#: What the engines state: Slicer's builds with Qt 5 have the first one.
AGENTS = {5: 'QtWebEngine/5.15.2 Chrome/83.', 6: 'QtWebEngine/6.'}
COUNT = "document.querySelectorAll('.card button').length"


@pytest.fixture(params=['amd64', 'arm64'])
def slicer(request, start, publish):
    """An open Extensions Manager, in which IGT depends on IO; both are there for amd64 and arm64."""
    engine = request.node.callspec.params['start']
    # One of its own for each test and engine, since the tests of all share the server.
    revision = f'{engine}{["amd64", "arm64"].index(request.param)}{len(request.node.originalname)}'
    publish(revision, 'SlicerIO', 'a1')
    publish(revision, 'SlicerIGT', 'b1', dependency='SlicerIO')
    publish(revision, 'Other', 'c1')
    desktop = start(revision, request.param)
    desktop.revision, desktop.arch = revision, request.param
    desktop('open', ['Other'])
    poll(lambda: desktop.page(COUNT) == 3, 'the extensions of one architecture are shown')
    assert AGENTS[engine] in desktop.page('navigator.userAgent')
    return desktop


def unpacked(tmp_path, desktop, name):
    return (tmp_path / desktop.arch / name / 'share' / f'{name}.s4ext').read_text()


def test_install_update_and_uninstall(slicer, publish, tmp_path):
    assert [slicer.buttons(name) for name in ('SlicerIGT', 'SlicerIO', 'Other')] == [['Install']] * 3
    assert slicer.notes('Other') == ['Bookmarked']

    slicer.press('Install', 'SlicerIGT')
    for name in 'SlicerIGT', 'SlicerIO':
        slicer.wait_for_buttons(name, 'Uninstall')
    assert slicer.state('installed') == {'SlicerIGT': 'b1', 'SlicerIO': 'a1'}
    assert unpacked(tmp_path, slicer, 'SlicerIGT') == f'SlicerIGT b1 {slicer.arch}'
    assert slicer.buttons('Other') == ['Install']

    publish(slicer.revision, 'SlicerIO', 'a2')
    slicer('restart')
    slicer.wait_for_buttons('SlicerIO', 'Update', 'Uninstall')
    assert slicer.buttons('SlicerIGT') == ['Uninstall']
    slicer.press('Update', 'SlicerIO')
    poll(lambda: slicer.state('to_update') == ['SlicerIO'], 'the update is scheduled')
    slicer.wait_for_buttons('SlicerIO', 'Uninstall')
    assert slicer.notes('SlicerIO') == ['Will be updated when Slicer restarts']
    slicer('restart')
    slicer.wait_for_buttons('SlicerIO', 'Uninstall')
    assert slicer.notes('SlicerIO') == []
    assert unpacked(tmp_path, slicer, 'SlicerIO') == f'SlicerIO a2 {slicer.arch}'

    slicer.press('Uninstall', 'SlicerIGT')
    slicer.wait_for_buttons('SlicerIGT', 'Keep installed')
    slicer.press('Keep installed', 'SlicerIGT')
    slicer.wait_for_buttons('SlicerIGT', 'Uninstall')
    slicer.press('Uninstall', 'SlicerIGT')
    poll(lambda: slicer.state('to_uninstall') == ['SlicerIGT'], 'it is scheduled for uninstalling')
    slicer('restart')
    slicer.wait_for_buttons('SlicerIGT', 'Install')
    assert slicer.state('installed') == {'SlicerIO': 'a2'}

    slicer('search', 'other')
    poll(lambda: slicer.page(COUNT) == 1, 'the search of Slicer is applied')
    # Slicer with Qt 5 takes a redirect for the file.
    assert (slicer.state('console'), set(slicer.state('statuses'))) == ([], {200})


def test_an_update_that_was_scheduled_stays_so_when_the_page_is_loaded_again(slicer, publish):
    slicer.press('Install', 'SlicerIO')
    slicer.wait_for_buttons('SlicerIO', 'Uninstall')
    publish(slicer.revision, 'SlicerIO', 'a2')
    slicer('restart')
    slicer.wait_for_buttons('SlicerIO', 'Update', 'Uninstall')
    slicer.press('Update', 'SlicerIO')
    poll(lambda: slicer.state('to_update') == ['SlicerIO'], 'the update is scheduled')
    slicer('open', [])
    poll(lambda: slicer.notes('SlicerIO') == ['Will be updated when Slicer restarts'], 'the page knows the update')
    assert slicer.notes('Other') == []
