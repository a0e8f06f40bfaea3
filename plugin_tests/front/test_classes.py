"""Which class of work a request belongs to."""
import pytest

from slicer_package_manager.front import classes
from slicer_package_manager.front.admission import WorkClass
from slicer_package_manager.front.classes import Work, work_of
from slicer_package_manager.registry.server import environment

ID = '5f4474d0e1d8c75dfc705482'


@pytest.mark.parametrize(('path', 'work'), [
    ('/metrics', Work.HEALTH),
    ('/api/v1/slicer_package_manager/health', Work.HEALTH),
    ('/api/v1/system/version', Work.HEALTH),
    ('/girder/api/v1/system/version', Work.HEALTH),
    (f'/api/v1/item/{ID}/download', Work.DOWNLOADS),
    (f'/api/v1/file/{ID}/download', Work.DOWNLOADS),
    (f'/api/v1/file/{ID}/download/Slicer-5.8.1-linux-amd64.tar.gz', Work.DOWNLOADS),
    (f'/bitstream/{ID}', Work.DOWNLOADS),
    (f'/girder/bitstream/{ID}', Work.DOWNLOADS),
    (f'/api/v1/app/{ID}/package/download', Work.DOWNLOADS),
    ('/midas3/download', Work.DOWNLOADS),
    ('//midas3/download/item/77/a.zip', Work.DOWNLOADS),
    ('/midas3/rest/bitstream/download/1201', Work.DOWNLOADS),
    ('/midas3/slicerappstore/index/downloadextension', Work.DOWNLOADS),
    ('/midas3/slicerappstore', Work.PAGES),
    ('/midas3/item/77', Work.PAGES),
    (f'//api/v1/item/{ID}/download', Work.DOWNLOADS),
    (f'/api/v1/app/{ID}/package', Work.READS),
    (f'/api/v1/app/{ID}/extension', Work.READS),
    ('/api/v1/item', Work.READS),
    ('/api/v1/user/authentication', Work.READS),
    ('/find', Work.READS),
    ('/findall', Work.READS),
    (f'/api/v1/app/{ID}/downloadstats', Work.HEAVY), (f'/api/v1/app/{ID}/downloadstats/ab12', Work.HEAVY),
    (f'/api/v1/app/{ID}/downloads', Work.HEAVY),
    (f'/api/v1/app/{ID}/summary', Work.HEAVY),
    (f'/api/v1/app/{ID}/popularity', Work.HEAVY), (f'/api/v1/app/{ID}/expected', Work.HEAVY),
    (f'/api/v1/app/{ID}/expected/SlicerIGT', Work.HEAVY),
    (f'/api/v1/folder/{ID}/download', Work.HEAVY),
    (f'/api/v1/collection/{ID}/download', Work.HEAVY),
    ('/api/v1/resource/download', Work.HEAVY),
    ('/api/v1/describe', Work.HEAVY),
    ('/api/v1/slicer_package_manager/audit', Work.HEAVY), ('/api/v1/slicer_package_manager/usage', Work.HEAVY),
    ('/', Work.PAGES),
    ('/catalog', Work.PAGES),
    ('/static/built/app.js', Work.PAGES),
    ('', Work.PAGES),
    ('/line\nbreak', Work.PAGES),
    ('/api/v1/line\nbreak', Work.READS),
    ('*', Work.PAGES),
])
def test_reads_belong_to_a_class_by_their_path(path, work):
    assert [work_of(method, path) for method in ('GET', 'HEAD', 'OPTIONS')] == [work] * 3


@pytest.mark.parametrize(('path', 'query', 'work'), [
    (f'/api/v1/app/{ID}/extension', 'q=brain', Work.HEAVY),
    (f'/api/v1/app/{ID}/extension', 'limit=0&q=brain', Work.HEAVY),
    (f'/api/v1/app/{ID}/extension', 'limit=0;q=brain', Work.HEAVY),
    ('/api/v1/item', 'text=brain', Work.HEAVY),
    (f'/api/v1/app/{ID}/extension', 'limit=0&seq=1', Work.READS),
    (f'/api/v1/app/{ID}/extension', '', Work.READS),
    ('/catalog', 'q=brain', Work.PAGES),
    ('/midas3/api/json', 'method=midas.slicerpackages.package.list', Work.HEAVY),
    ('/midas3/api/json', 'method=midas.slicerpackages.extension.list&os=linux&slicer_revision=', Work.HEAVY),
    ('//midas3/api/json', 'slicer_revision=26813&method=midas.slicerpackages.extension.list', Work.READS),
    ('/midas3/api/json', 'method=midas.slicerpackages.extension.list&extension_id=12', Work.READS),
    ('/midas3/api/json', 'method=midas.item.get&id=77', Work.READS),
    (f'/api/v1/item/{ID}/download', 'q=1', Work.DOWNLOADS),
])
def test_searches_are_heavy(path, query, work):
    assert work_of('GET', path, query) == work
    assert work_of('POST', path, query) == Work.WRITES


@pytest.mark.parametrize(('threads', 'running'), [(1, 1), (8, 1), (32, 1), (64, 2), (96, 3)])
def test_as_much_heavy_work_runs_as_there_are_cores(threads, running):
    assert classes.limits(threads, 1, {})[Work.HEAVY].running == running


@pytest.mark.parametrize(('workers', 'running'), [(1, 4), (2, 2), (3, 1), (4, 1), (16, 1)])
def test_processes_share_the_places_for_heavy_work_and_no_others(workers, running):
    alone, shared = classes.limits(128, 1, {}), classes.limits(128, workers, {})
    assert shared.pop(Work.HEAVY).running == running
    assert shared.items() <= alone.items()
    assert classes.limits(128, workers, {'heavy': (3, None)})[Work.HEAVY].running == 3


@pytest.mark.parametrize('method', ['POST', 'PUT', 'PATCH', 'DELETE', 'BREW'])
def test_all_other_methods_are_writes(method):
    assert {work_of(method, path) for path in ('/metrics', '/', f'/api/v1/item/{ID}/download')} == {Work.WRITES}


@pytest.mark.parametrize('threads', [1, 2, 8, 15, 16, 64, 1000])
def test_every_class_has_a_place_and_no_class_has_all_threads(threads):
    limits = classes.limits(threads, 1, {})
    assert set(limits) == set(Work)
    assert all(one.running >= 1 and one.waiting >= one.running for one in limits.values())
    if threads > 4:
        assert max(one.running for one in limits.values()) < threads


@pytest.mark.parametrize('threads', [1, 2, 8, 64])
def test_the_requests_of_four_browsers_at_one_address_fit_into_each_class(threads):
    assert all(WorkClass(limits)._share >= 24 for limits in classes.limits(threads, 1, {}).values())


def test_an_operator_may_choose_limits_of_some_classes():
    chosen = classes.limits(64, 1, {'reads': (3, None), 'downloads': (5, 7)})
    assert (chosen[Work.READS].running, chosen[Work.READS].waiting) == (3, 32)
    assert (chosen[Work.DOWNLOADS].running, chosen[Work.DOWNLOADS].waiting) == (5, 7)
    assert chosen[Work.WRITES] == classes.limits(64, 1, {})[Work.WRITES]


def test_the_operator_names_the_same_classes():
    assert tuple(work.value for work in Work) == environment.WORK
