"""The countries that statistics name, and what the server may import of the statistics."""
import subprocess
import sys

from plugin_tests.waiting import PATIENCE
from slicer_package_manager.logs.rules.vocabulary import countries


def test_every_country_has_a_name_two_regions_and_a_middle():
    found = countries()
    assert len(found) == 250
    for code, one in found.items():
        assert len(code) == 2
        assert code.isupper()
        assert all(one[:3])
        assert abs(one.latitude) <= 90
        assert abs(one.longitude) <= 180


def test_the_vocabulary_requires_nothing_of_the_extra_logs():
    modules = 'duckdb', 'maxminddb', 'ua_parser', 'ua_parser_rs', 'crawleruseragents', 'zstandard'
    code = f"""
import sys
from slicer_package_manager.logs.rules import contents, vocabulary
vocabulary.countries()
print(sorted(sys.modules.keys() & {set(modules)!r}))"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout == '[]\n'
