"""Words of a search in texts."""
import pytest

from slicer_package_manager.pages.extensions import marked


@pytest.mark.parametrize(('text', 'q', 'html'), [
    ('SlicerRT', 'rt', 'Slicer<mark>RT</mark>'),
    ('Stra\u00dfe und \u00c5str\u00f6m', 'astrom und', 'Stra\u00dfe <mark>und</mark> <mark>\u00c5str\u00f6m</mark>'),
    ('a+b', '+ b', 'a<mark>+</mark><mark>b</mark>'),
    ('volumes', 'vol volume', '<mark>volume</mark>s'),
    ('<b>x & y</b>', 'b', '&lt;<mark>b</mark>&gt;x &amp; y&lt;/<mark>b</mark>&gt;'),
    ('nothing', '', 'nothing'),
    ('\ufb01ne', 'fine', '\ufb01ne'),  # a ligature is one character and two letters
])
def test_words_of_a_search_are_marked_in_what_is_shown(text, q, html):
    assert str(marked(text, q)) == html
