import pytest

from slicer_package_manager.rest.middleware import routing


@pytest.mark.parametrize(('path', 'route'), [
    ('/v1/app', '/app'), ('/v1/app/5f4474d0e1d8c75dfc705482/extension', '/app/:app_id/extension'),
    ('//v1//app/x/draft/', '/app/:app_id/draft'), ('/v1/app/x/stranger', 'other')])
def test_the_route_of_a_cached_list_has_no_id(path, route):
    assert routing.of_cached(path) == route
