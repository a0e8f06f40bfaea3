"""Changes of accounts and keys happen as a whole, or not at all."""
import pytest
from girder.exceptions import ValidationException
from girder.models.api_key import ApiKey
from girder.models.user import User

from plugin_tests.rest.test_promotion import aside, killed_at_each_write

pytestmark = pytest.mark.database

PASSWORD = 'another password'


@pytest.fixture
def keys(db, admin):
    """The module, with a key of the administrator that has two tokens, and a session."""
    from girder.models.token import Token

    from slicer_package_manager.registry.accounts import api_keys
    key = api_keys.create('admin', 'Nightly build', 'upload', 30)
    for _ in range(2):
        ApiKey().createToken(key['key'])
    Token().createToken(admin)
    return api_keys


def stored(db):
    return {name: list(db[name].find().sort('_id')) for name in ('api_key', 'token', 'user')}


def create(_):
    from slicer_package_manager.registry.accounts import api_keys
    return api_keys.create('admin', 'Another', 'read', 1)


def revoke(key):
    from slicer_package_manager.registry.accounts import api_keys
    return api_keys.revoke(str(key['_id']))


def remove(key):
    return ApiKey().remove(key)


def reset(_):
    from slicer_package_manager.registry.accounts import users
    return users.reset('admin', PASSWORD)


@pytest.mark.usefixtures('keys')
@pytest.mark.parametrize(('change', 'left'), [(create, (2, 3)), (revoke, (0, 1)), (remove, (0, 1)), (reset, (0, 0))])
def test_whatever_write_a_change_of_keys_is_killed_at_all_or_nothing_is_done(db, change, left):
    key = db.api_key.find_one()
    before = stored(db)
    killed_at_each_write(lambda: change(key), lambda: stored(db) == before or not (
        db.token.count_documents({}) or change is not reset or db.api_key.count_documents({})))
    assert (db.api_key.count_documents({}), db.token.count_documents({})) == left
    if change is reset:
        assert User().authenticate('admin', PASSWORD)
    if change is create:
        assert all(one['active'] and one['expires'] for one in db.api_key.find())


@pytest.mark.parametrize('change', [revoke, remove])
def test_a_key_that_is_revoked_while_it_gives_a_token_does_not_come_back(db, keys, monkeypatch, change):
    key = db.api_key.find_one()
    save = ApiKey().save

    def after_the_revocation(document):
        monkeypatch.undo()
        aside(lambda: change(key))
        return save(document)
    monkeypatch.setattr(ApiKey(), 'save', after_the_revocation)
    with pytest.raises(ValidationException):
        ApiKey().createToken(key['key'])
    assert not db.api_key.find_one()
    assert not db.token.find_one({'apiKeyId': key['_id']})


def test_a_token_that_is_given_while_its_key_is_revoked_ends_with_it(db, keys, monkeypatch):
    from girder.models.token import Token
    key = db.api_key.find_one()
    clear = Token().clearForApiKey

    def then_give_another(document):
        clear(document)
        monkeypatch.undo()
        aside(lambda: ApiKey().createToken(key['key']))
    monkeypatch.setattr(Token(), 'clearForApiKey', then_give_another)
    revoke(key)
    assert not db.token.find_one({'apiKeyId': key['_id']})


def test_a_session_that_begins_while_its_account_is_reset_ends(db, keys, admin, monkeypatch):
    from girder.models.token import Token
    set_password = User().setPassword

    def then_log_in(user, password):
        set_password(user, password)
        aside(lambda: Token().createToken(admin))
    monkeypatch.setattr(User(), 'setPassword', then_log_in)
    reset(None)
    assert not db.token.find_one()
