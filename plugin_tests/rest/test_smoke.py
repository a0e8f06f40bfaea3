import pytest

pytestmark = pytest.mark.database


def test_app(api, app, anonymous, make):
    make('package')
    item = make('extension', content=b'hello')
    found = anonymous.get(f'/app/{app["_id"]}/extension').json()
    assert [one['_id'] for one in found] == [item['_id']]
    assert anonymous.get(f'/app/{app["_id"]}/package').json() == []
    assert anonymous.get(f'/item/{item["_id"]}/download').content == b'hello'
    assert anonymous.get(f'/app/{app["_id"]}/downloadstats').json() == {
        '33000': {'extensions': {'SlicerIGT': {'linux': {'amd64': 1}}}}}
