"""Passwords that bcrypt cannot take: the server does not fail, and does not reveal which accounts exist."""
import base64

import pytest
from girder.models.user import User, _CryptContext

from slicer_package_manager.registry.accounts import passwords, users
from slicer_package_manager.registry.schema.errors import Invalid

pytestmark = pytest.mark.database

LONGEST = 'ä' * 36
UNUSABLE = {'73 bytes': 'x' * 73, '72 characters of more bytes': 'x' * 71 + 'ä', 'very long': 'x' * 100_000,
            'NUL': 'secret\0password', 'only NUL': '\0' * 10}
each = pytest.mark.parametrize('password', UNUSABLE.values(), ids=UNUSABLE)


def login(client, name, password):
    basic = base64.b64encode(f'{name}:{password}'.encode()).decode()
    return client.get('/user/authentication', headers={'Authorization': f'Basic {basic}'})


@pytest.fixture
def user(api):
    form = {'login': 'member', 'firstName': 'A', 'lastName': 'B', 'email': 'a@example.org', 'password': LONGEST}
    return api.post('/user', data=form).raise_for_status().json()


@pytest.mark.parametrize('password', [one for one in UNUSABLE.values() if len(one) < 1000] + ['x' * 5000])
def test_a_login_is_refused_alike_whether_the_account_exists_or_not(anonymous, user, password):
    answers = [login(anonymous, name, password) for name in ('member', 'a@example.org', 'unknown', 'b@example.org')]
    wrong = login(anonymous, 'member', 'another-password')
    found = {(one.status_code, one.json()["message"]) for one in answers}
    assert found == {(wrong.status_code, wrong.json()["message"])}
    assert wrong.status_code == 401


def test_72_bytes_are_a_password(anonymous, user):
    assert login(anonymous, 'member', LONGEST).status_code == 200
    assert login(anonymous, 'member', LONGEST + 'x').status_code == 401


def is_refused(answer):
    return answer.status_code == 400 and answer.json()['field'] == 'password' and 'password' in answer.json()['message']


@each
def test_a_new_user_with_such_a_password_is_refused(api, db, password):
    form = {'login': 'member', 'firstName': 'A', 'lastName': 'B', 'email': 'a@example.org', 'password': password}
    assert is_refused(api.post('/user', data=form))
    assert db['user'].find_one({'login': 'member'}) is None


@each
def test_such_a_password_is_not_set_by_an_administrator(api, anonymous, user, password):
    assert is_refused(api.put(f'/user/{user["_id"]}/password', data={'password': password}))
    assert login(anonymous, 'member', LONGEST).status_code == 200


@each
def test_such_a_password_is_not_set_by_its_user(anonymous, user, password):
    headers = {'Girder-Token': login(anonymous, 'member', LONGEST).json()['authToken']['token']}
    assert is_refused(anonymous.put('/user/password', data={'old': LONGEST, 'new': password}, headers=headers))
    refused = anonymous.put('/user/password', data={'old': password, 'new': 'good-enough'}, headers=headers)
    assert (refused.status_code, refused.json()['message']) == (403, 'Old password is incorrect.')
    assert login(anonymous, 'member', LONGEST).status_code == 200


@each
def test_such_a_password_resets_no_account(anonymous, user, password):
    with pytest.raises(Invalid):
        users.reset('member', password)
    assert login(anonymous, 'member', LONGEST).status_code == 200


def test_text_that_is_no_unicode_is_no_password():
    assert passwords.problem('\udcff' * 8) == 'is not valid Unicode text'


def test_girder_still_has_the_private_part_that_this_replaces(db):
    assert {'verify', 'hash'} <= set(vars(_CryptContext))
    original = User()._cryptContext.original
    assert isinstance(original, _CryptContext)
    assert original.verify('secret', original.hash('secret'))
