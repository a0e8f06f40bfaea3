"""Shares of systems and countries."""
from slicer_package_manager.logs.rules import labels
from slicer_package_manager.pages import shares
from slicer_package_manager.pages.shares import Share


def test_systems_have_their_names():
    assert shares.of_systems([{'os': 'win', 'arch': 'amd64', 'count': 3}, {'os': 'macosx', 'arch': 'arm64', 'count': 1}]
                             ) == [Share('Windows', 3, 75, 100), Share('macOS (Apple silicon)', 1, 25, 100 / 3)]


def test_small_countries_are_one_share_with_the_rare_ones():
    codes = ['DE', 'FR', 'IT', 'ES', 'PT', 'NL', 'BE', 'LU', 'DK', 'SE', 'unknown', 'NO', 'FI', 'IS']
    rows = [{'country': code, 'name': labels.country(code), 'count': count} for code, count in (
        ('other', 50), *((code, 20 - place) for place, code in enumerate(codes)))]
    found = shares.of_countries(sorted(rows, key=lambda row: -row['count']))
    assert [one.name for one in found][:3] == ['Germany', 'France', 'Italy']
    assert [(one.name, one.number) for one in found[-3:]] == [('Unknown', 10), ('Norway', 9), ('Other', 50 + 8 + 7)]
    assert sum(one.percent for one in found) == 100
    assert max(one.width for one in found) == 100


def test_without_downloads_there_is_no_share():
    assert shares.of_countries([]) == shares.of_systems([]) == []
    assert [one.name for one in shares.of_countries([{'country': 'ZZ', 'name': 'ZZ', 'count': 1}])] == ['ZZ']
