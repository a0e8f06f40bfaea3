"""The comparison of answers finds what clients would notice."""
import copy

import pytest

from slicer_package_manager.migration import answers
from slicer_package_manager.migration.errors import AnswerError
from slicer_package_manager.migration.notes import Outcome
from slicer_package_manager.progress import silent

APP = 'a' * 24
ITEM = {'_id': 'i', 'folderId': 'f', 'name': 'E',
        'meta': {'baseName': 'E', 'build_date': '2021-03-01 04:00:00+00:00', 'empty': ''}}
ANSWERS = {
    f'app/{APP}/release': [{'_id': 'r', 'name': '4.11', 'meta': {'revision': '1', 'downloadStats': {'x': 1}}}],
    f'app/{APP}/draft': [], f'app/{APP}/package': [],
    f'app/{APP}/extension': [ITEM], f'app/{APP}/downloadstats': {'1': {'extensions': {'E': {'linux': {'amd64': 3}}}}}}


def server(**changed):
    """A server of which one item has other values; ``None`` for one that does not have it."""
    found = copy.deepcopy(ANSWERS)
    extensions = found[f'app/{APP}/extension']
    extensions[:] = [{**extensions[0], **changed}] if changed.get('meta', 1) is not None else []
    return lambda path, **_: found[path]


def compare(here, **said):
    notes = answers.compare(server(), here, [APP], said, silent)
    return sorted({note.reason.partition(' in app')[0] for note in notes})


def meta(**changed):
    return server(meta={**ITEM['meta'], **changed})


def test_the_same_answers_have_no_difference():
    assert compare(server()) == []
    assert compare(server(meta={'baseName': 'E', 'build_date': '2021-03-01T04:00:00+00:00', 'more': 1})) == []


@pytest.mark.parametrize(('here', 'reason'), [
    (server(name='F'), "name is 'F', and was 'E',"), (meta(baseName='F'), "meta.baseName is 'F', and was 'E',"),
    (meta(build_date='2021-03-02'), "meta.build_date is '2021-03-02'"), (server(_id='j'), 'has it here only'),
    (server(meta=None), 'had it, and has it not here')])
def test_what_differs(here, reason):
    assert any(reason in one for one in compare(here))


@pytest.mark.parametrize(('here', 'outcome', 'fields'), [
    (server(name='F'), Outcome.MENDED, ['name']), (meta(baseName='F'), Outcome.MENDED, ['meta.os', 'meta.baseName']),
    (meta(baseName=None), Outcome.MENDED, ['meta']), (server(name='F'), Outcome.UNDECIDED, []),
    (server(meta=None), Outcome.NOT_LISTED, []), (server(meta=None), Outcome.LEFT_OUT, []),
    (server(meta=None), Outcome.MENDED, ['meta.os']),
    (server(meta=None), Outcome.MENDED, ['_id']), (meta(empty='now'), Outcome.DELETED, [])])
def test_what_the_report_says_is_excused(here, outcome, fields):
    assert compare(here, i={outcome: fields}) == []


def test_what_is_in_a_folder_that_is_hidden_now_is_excused():
    assert compare(server(meta=None), f={Outcome.NOW_HIDDEN: []}) == []
    assert compare(server(meta=None), f={Outcome.MENDED: []})


@pytest.mark.parametrize(('here', 'outcome', 'fields'), [
    (server(name='F'), Outcome.NOT_LISTED, []), (server(name='F'), Outcome.MENDED, ['meta.name', 'meta']),
    (meta(baseName='F'), Outcome.MENDED, ['meta.dependency']), (meta(baseName='F'), Outcome.LOST, ['meta.baseName']),
    (server(meta=None), Outcome.MENDED, ['meta.dependency']), (server(_id='j'), Outcome.MENDED, ['meta.tier'])])
def test_what_the_report_does_not_say_differs(here, outcome, fields):
    assert compare(here, i={outcome: fields}, j={outcome: fields})


def test_fewer_downloads():
    here = server()
    here(f'app/{APP}/downloadstats')['1']['extensions']['E']['linux']['amd64'] = 2
    assert compare(here) == ['1.extensions.E.linux.amd64 is 2 here, and was 3']
    assert not list(answers.compare(server(), here, [APP], {}, silent, counts=False))
    here(f'app/{APP}/downloadstats')['1']['extensions']['E']['linux']['amd64'] = 4
    assert compare(here) == []


@pytest.mark.parametrize(('older', 'differences'), [
    ({'A': {'B': {'linux': {'amd64': 3}}}}, []), ({'A': {'B': {'Linux': {'x86_64': 2}}}}, []),
    ({'A': {'B': {'linux': {'amd64': 1}, 'win': {'amd64': 2}}}}, ['1.extensions.A.B.win.amd64 is 0 here, and was 2']),
    ({'A': 1}, ['1.extensions.A is 0 here, and was 1'])])
def test_numbers_of_a_name_with_a_dot_and_of_systems_in_other_spellings(older, differences):
    there, here = server(), server()
    there(f'app/{APP}/downloadstats')['1']['extensions'] = older
    here(f'app/{APP}/downloadstats')['1']['extensions'] = {'A.B': {'linux': {'amd64': 3}}}
    assert [note.reason for note in answers.compare(there, here, [APP], {}, silent)] == differences


def failing(path):
    def get(asked, **params):
        if asked == path:
            raise AnswerError('it answers 500: An unexpected error.')
        return server()(asked, **params)
    return get


@pytest.mark.parametrize('kind', ['extension', 'downloadstats', 'draft'])
def test_a_request_that_one_server_cannot_answer_is_named(kind):
    """Version 0.11.0 answers some with 500, such as downloads with odd keys, and drafts with 400 if there are none."""
    path = f'app/{APP}/{kind}'
    for older, here, outcome in ((failing(path), server(), Outcome.LEFT_OUT),
                                 (server(), failing(path), Outcome.DIFFERENT)):
        notes = list(answers.compare(older, here, [APP], {}, silent))
        assert {(note.outcome, note.kind, note.name.partition('?')[0]) for note in notes} == {(outcome, 'answer', path)}
