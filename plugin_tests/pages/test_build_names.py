"""The names of builds that people use."""
from datetime import datetime, timezone

import pytest

from slicer_package_manager.pages import builds
from slicer_package_manager.registry.catalog.extension_lists import Revision

BUILT = datetime(2026, 11, 28, 4, tzinfo=timezone.utc)


@pytest.mark.parametrize(('revision', 'known', 'name'), [
    ('33241', Revision('5.8.1', '5.8.1', BUILT), '5.8.1 (r33241)'),
    ('34108', Revision('', '5.11.0-2026-11-27', BUILT), '5.11.0 preview, Nov 27, 2026 (r34108)'),
    ('34108', Revision('', '5.11.0', BUILT), '5.11.0 preview, Nov 28, 2026 (r34108)'),
    ('34108', Revision('', '5.11.0-2026-13-27', BUILT), '5.11.0-2026-13-27 preview, Nov 28, 2026 (r34108)'),
    ('34108', Revision('', '', BUILT), 'Preview, Nov 28, 2026 (r34108)'),
    ('ab12cd3', Revision('', '5.11.0'), '5.11.0 preview (ab12cd3)'),
    ('34108', Revision(), 'Revision 34108')])
def test_a_build_has_the_name_that_people_use(revision, known, name):
    assert builds.name(revision, known) == name
