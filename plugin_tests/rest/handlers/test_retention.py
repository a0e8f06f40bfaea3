from datetime import datetime, timedelta, timezone

import pytest

pytestmark = pytest.mark.database


@pytest.fixture
def drafts(make, db):
    """Drafts of the revisions 1 to 4, one day to four days old; each with one package of three bytes."""
    def maker():
        for number in (1, 2, 3, 4):
            make('package', revision=str(number), content=b'xxx')
            created = datetime.now(timezone.utc) - timedelta(days=number, hours=-1)
            db['folder'].update_one({'spm.role': 'revision', 'name': str(number)}, {'$set': {'created': created}})
    maker()


@pytest.fixture
def prune(api, app):
    def call(client=api, **params):
        return client.delete(f'/app/{app["_id"]}/draft', params=params)
    return call


@pytest.fixture
def left(found):
    return lambda: [one['name'] for one in found('draft')]


@pytest.mark.parametrize(('rules', 'gone'), [
    pytest.param({'keep': 3}, ['4'], id='keep'), pytest.param({'keep': 0}, ['1', '2', '3', '4'], id='keep none'),
    pytest.param({'keep': 9}, [], id='keep more than there are'),
    pytest.param({'older_than_days': 2}, ['3', '4'], id='age'),
    pytest.param({'older_than_days': 0}, ['1', '2', '3', '4'], id='any age'),
    pytest.param({'older_than_days': 36500}, [], id='a hundred years'),
    pytest.param({'keep': 3, 'older_than_days': 1}, ['4'], id='both, few by number'),
    pytest.param({'keep': 1, 'older_than_days': 3}, ['4'], id='both, few by age')])
def test_the_drafts_that_every_rule_names_go(drafts, prune, left, stored, rules, gone):
    before = stored()
    plan = prune(dry_run=True, **rules).json()
    assert stored() == before
    assert [(row['name'], row['deleted']) for row in plan] == [(name, False) for name in gone]
    assert prune(**rules).json() == [{**row, 'deleted': True} for row in plan]
    assert left() == [name for name in '1234' if name not in gone]
    assert prune(**rules).json() == []


def test_a_row_has_the_numbers_of_the_draft(drafts, prune, make, found):
    make('extension', app_revision='4', content=b'12345')
    make('extension', app_revision='4', baseName='Other', content=b'1')
    row, = prune(keep=3, dry_run=True).json()
    draft = found('draft')[-1]
    assert row == {'_id': draft['_id'], 'name': '4', 'revision': '4', 'created': draft['created'], 'packages': 1,
                   'extensions': 2, 'bytes': 9, 'deleted': False}


def test_releases_stay(drafts, prune, make_release, make, found):
    make_release('5.8', '33000')
    make('package', content=b'x')
    prune(keep=0).raise_for_status()
    assert (len(found('release')), len(found('package'))) == (1, 1)


@pytest.mark.parametrize('rules', [{}, {'keep': -1}, {'keep': 'x'}, {'keep': '1.5'}, {'keep': 2**40}, {'keep': ''},
                                   {'older_than_days': -1}, {'older_than_days': 10**9}, {'older_than_days': 'NaN'},
                                   {'keep': 1, 'dry_run': 'perhaps', 'older_than_days': -2}])
def test_unusable_rules_are_refused_and_nothing_is_deleted(drafts, prune, stored, rules):
    before = stored()
    answer = prune(**rules)
    assert answer.status_code == 400, answer.text
    assert stored() == before


def test_without_a_rule_the_answer_names_both(prune):
    message = prune().json()['message']
    assert 'keep' in message
    assert 'older_than_days' in message


@pytest.mark.parametrize(('level', 'status'), [(0, 403), (1, 403), (2, 200)], ids=['READ', 'WRITE', 'ADMIN'])
def test_admin_is_needed_on_each_draft_that_goes_before_any_does(
        drafts, prune, app, login, make_user, grant, found, left, stored, level, status):
    user = make_user('member')
    oldest, older = found('draft')[-1], found('draft')[-2]
    grant(oldest, user, level=2, public=True)
    grant(older, user, level=level, public=True)
    before = stored()
    assert prune(login(user), keep=2, dry_run=True).status_code == status
    assert stored() == before
    assert prune(login(user), keep=2).status_code == status
    assert left() == (['1', '2'] if status == 200 else ['1', '2', '3', '4'])
    if status != 200:
        assert prune(login(user), keep=3).status_code == 200


def test_pruning_needs_a_login_and_the_application(drafts, prune, anonymous, api, make_user, login):
    assert prune(anonymous, keep=0).status_code == 401
    secret = api.post('/app', params={'name': 'Secret', 'public': False}).json()
    assert login(make_user('member')).delete(f'/app/{secret["_id"]}/draft', params={'keep': 0}).status_code == 403
    assert api.delete('/app/5f4474d0e1d8c75dfc705482/draft', params={'keep': 0}).status_code == 404


def test_an_error_states_what_was_deleted_and_the_call_can_be_repeated(drafts, prune, left, monkeypatch):
    from slicer_package_manager.registry.catalog import removal
    remove = removal.remove_folder

    def failing(folder, *args, **kwargs):
        if folder['name'] == '3':
            raise OSError('the disk is gone.')
        return remove(folder, *args, **kwargs)
    monkeypatch.setattr(removal, 'remove_folder', failing)
    answer = prune(keep=1)
    assert (answer.status_code, left()) == (409, ['1', '2', '3'])
    assert 'Deleted before: "4".' in answer.json()['message']
    monkeypatch.undo()
    assert [row['name'] for row in prune(keep=1).json()] == ['2', '3']


def test_pruning_with_progress_works_without_a_listener(drafts, prune, left):
    prune(keep=1, progress=True).raise_for_status()
    assert left() == ['1']
