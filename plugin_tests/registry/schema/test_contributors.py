import pytest

from slicer_package_manager.registry.schema.contributors import names


@pytest.mark.parametrize(('text', 'found'), [
    ('Ada Example (Lab), Ben Sample (Company, Town)', ['Ada Example', 'Ben Sample']),
    ('Ada Example', ['Ada Example']),
    ('Ada Example (Lab (Group)), Ben Sample', ['Ada Example', 'Ben Sample']),
    ('Ada  Example; Ben Sample and Cy Model & Dee Probe.', ['Ada Example', 'Ben Sample', 'Cy Model', 'Dee Probe']),
    ('Ada Example, Ada Example, et al.', ['Ada Example']),
    ('Ada Example (Lab', ['Ada Example (Lab']),
    ('Alexander Sand', ['Alexander Sand']),
    ('NA', []), ('', []), (' , ', []),
])
def test_the_names_of_contributors_are_found(text, found):
    assert names(text) == found
