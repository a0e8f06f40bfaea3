"""The country of a client, from a database in MaxMind's format."""
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from plugin_tests.logs.conftest import line
from slicer_package_manager.logs.countries import Countries
from slicer_package_manager.logs.errors import LogsError

NETWORKS = {'198.51.100.0/25': {'country': {'iso_code': 'DE'}}, '198.51.100.128/25': {'country': {'iso_code': 'US'}},
            '203.0.113.0/24': {'registered_country': {'iso_code': 'FR'}}, '192.0.2.0/25': {'country_code': 'nl'},
            '192.0.2.128/25': {'continent': {'code': 'EU'}}, '2001:db8::/32': {'country': {'iso_code': 'CH'}}}


@pytest.fixture
def database(tmp_path):
    def write(kind='Test-Country', name='countries.mmdb'):
        writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=kind)
        for network, record in NETWORKS.items():
            writer.insert_network(IPSet([network]), record)
        path = tmp_path / name
        writer.to_db_file(str(path))
        return path
    return write


@pytest.mark.parametrize(('address', 'country'), [
    ('198.51.100.7', 'DE'), ('198.51.100.200', 'US'), ('::ffff:198.51.100.7', 'DE'), ('2001:db8::7', 'CH'),
    ('203.0.113.1', 'FR'), ('192.0.2.1', 'NL'), ('192.0.2.200', 'unknown'), ('10.0.0.1', 'unknown'),
    ('-', 'unknown'), ('', 'unknown'), ('host.example.org', 'unknown'), ('unix:', 'unknown')])
def test_an_address_has_a_country(database, address, country):
    assert Countries(database()).of(address) == country


def test_without_a_database_the_country_is_unknown():
    assert Countries().of('198.51.100.7') == 'unknown'


def test_what_is_no_database_of_countries_is_refused(database, tmp_path):
    (tmp_path / 'text').write_text('x')
    for path, message in ((tmp_path / 'missing', 'cannot be read'), (tmp_path / 'text', 'cannot be read'),
                          (database('GeoLite2-ASN', 'asn.mmdb'), 'has no countries')):
        with pytest.raises(LogsError, match=message):
            Countries(path)


def test_rows_have_the_country(directory, database):
    directory.ingest(directory.log(line(), line(address='2001:db8::7'), line(address='10.0.0.1')), countries=database())
    assert directory.counts(by=('country',)) == {'DE': 1, 'CH': 1, 'unknown': 1}
