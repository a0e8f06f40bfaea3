import re
import unicodedata

import pytest

from slicer_package_manager.registry.catalog import search_patterns


def found(word, text):
    pattern = search_patterns.pattern(word).replace(r'\p{Mn}*+', '[\u0300-\u036f\u3099\u309a]*')  # Python knows no \p
    return re.search(pattern, text.casefold()) is not None


@pytest.mark.parametrize('word', ['resume', 'résumé', 'Résume', 'RÉSUMÉ'])
@pytest.mark.parametrize('form', ['NFC', 'NFD'])
@pytest.mark.parametrize('text', ['My résumé', 'RESUME', 'ŕęšǘmẽ'])
def test_accents_do_not_count_composed_or_not(word, form, text):
    assert found(unicodedata.normalize(form, word), unicodedata.normalize('NFC', text))
    assert found(unicodedata.normalize(form, word), unicodedata.normalize('NFD', text))


@pytest.mark.parametrize(('word', 'text'), [
    ('straße', 'STRASSE'), ('ΣΊΣΥΦΟΣ', 'σισυφος'), ('й', 'и'), ('각', unicodedata.normalize('NFD', '각')),
    (unicodedata.normalize('NFD', '각'), '각'), ('a.b', 'a.b'), ('c++', 'c++'), ('[x]', '[x]'), ('(', '('),
    ('\\d', '\\D'), ('㍻', '㍻'), ('', 'anything'), ('\u0301', 'anything')])
def test_what_is_found(word, text):
    assert found(word, text)


@pytest.mark.parametrize(('word', 'text'), [
    ('a.b', 'axb'), ('resume', 'resme'), ('é', 'a'), ('각', '가'), ('\\d', '1')])
def test_what_is_not_found(word, text):
    assert not found(word, text)


@pytest.mark.parametrize('letter', ['o', 'ᾳ', 'ω', '.', '각', '字'])
def test_the_longest_word_of_a_search_fits_into_a_pattern_of_the_database(letter):
    assert len(search_patterns.pattern(letter * 255).encode()) < 32764
