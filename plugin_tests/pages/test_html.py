"""Templates of pages: values from the registry never become markup, and a missing value is an error."""
import datetime as dt
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markupsafe import Markup

from slicer_package_manager.pages import about, charts, days, html, install, offers
from slicer_package_manager.pages import home as home_page
from slicer_package_manager.pages.addresses import Place
from slicer_package_manager.pages.assets import FOLDER
from slicer_package_manager.pages.extension_page import Detail, Downloads, Row, Share
from slicer_package_manager.pages.extensions import Extension
from slicer_package_manager.pages.listing import Choice, Elsewhere, Listing
from slicer_package_manager.pages.origin import Link, Origin
from slicer_package_manager.pages.previews import Changes, Stage
from slicer_package_manager.pages.statistics import PERIODS
from slicer_package_manager.pages.statistics import Choice as ChosenStatistics
from slicer_package_manager.registry.catalog.extension_lists import Revision
from slicer_package_manager.registry.downloads.logged import Days
from slicer_package_manager.registry.lookup.selection import Build

#: Texts that try to end an attribute, an element or a comment, or to be read as a template.
HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=('Cs', 'Cc'))), st.sampled_from([
        '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' onclick='alert(1)", '--><b>', '</title><b>',
        '{{ 7 * 7 }}', '{% raw %}', '&lt;b&gt;', '&#x22;', '</p></main><form action=/>', 'a\u2028b', '\ufeff<b>']))


class Structure(HTMLParser):
    """Elements with the names of their attributes, and all text and values.

    Marks are left out: of a search, each word has one.
    """

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag != 'mark':
            self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.texts += [value for _, value in attrs if value]

    def handle_endtag(self, tag):
        if tag != 'mark':
            self.elements.append(f'/{tag}')

    def handle_comment(self, data):
        self.elements.append(f'comment {data}')

    def handle_decl(self, decl):
        self.elements.append(decl)

    def handle_data(self, data):
        self.texts.append(data)


def rendered(template, text, **values):
    known = text or '-'  # what every application has
    shown = {'brand': known, 'app': known, 'query': known, 'words': text, 'current': '', 'about': about_of(known),
             'action': known, 'hidden': {'a': known}, **values}
    return Structure(html.TEMPLATES.get_template(template).render(root='./', static='./static', **shown))


def about_of(text):
    return about.About(text, text, text, text, (about.linked({'@type': 'Thing', 'name': text}),))


def offer(text, *, release='', final=True):
    build = Build(id=text, os='macosx', arch='arm64', revision=text, version=text, release=release,
                  built=dt.datetime(2026, 11, 1, tzinfo=dt.timezone.utc), pre_release=not final)
    return offers.Offer(build, {'size': 1, 'sha512': text, 'build_date': text, 'build_date_ymd': text,
                                'extensions_browse_url': text}, 1, text, Stage(1, 5, True))


def download_page(text):
    # A release always has a name, and its checksum is known.
    text = text or '-'
    shown = offers.arranged([offer(text, release=text), offer(text, final=False)], [offer(text, release=text)])
    preview = offer(text)
    shown = shown._replace(notes={text: 'https://example.org/'}, previews=[
        offers.Preview(text, [preview, preview._replace(stage=Stage())], text, Changes([text], [text], [text]))])
    return rendered('download.html', text, name=text, offers=shown, yours=shown.systems[0],
                    link=lambda extension: extension)


def home(text):
    text = text or '-'
    row = home_page.Row(text, text, text, 1, False, text)
    return rendered('home.html', text, lead=text, offers=text, extensions=text, numbers=[(text, text)], builds=[row])


OF_CATALOG = {'sorts': {}, 'levels': {}, 'modules': [], 'system_name': lambda *system: system[0], 'data': {},
              'others': [], 'elsewhere': [], 'revisions': [], 'of_extension': lambda **_: 'x', 'link': lambda **_: 'x'}


def extension(text):
    meta = {'baseName': text, 'os': 'linux', 'arch': 'amd64', 'app_revision': text, 'description': '<b>x</b>',
            'category': 'IGT',
            # One person: each would be a link.
            'contributors': f'x{re.sub("[,;&()]|and", "", text)}y',
            **dict.fromkeys(('license', 'keywords', 'revision'), text.strip() or '-')}
    return Extension({'_id': text, 'meta': meta, 'created': '2026-11-01T00:00:00+00:00'})


def catalog(text, elsewhere=(), **of_listing):
    text = text or '-'
    one = extension(text)
    found = {'place': Place(text, text, 'linux', 'amd64'), 'choice': Choice(text), 'systems': {('linux', 'amd64'): 1},
             'every': [one], 'matching': [one], 'found': [one], 'shown': [one], 'revisions': {text: Revision(text)},
             'news': {text: 'new'},
             **of_listing}
    return rendered('catalog.html', text, **{**OF_CATALOG, 'revisions': [(text, text)], 'data': {'text': text},
                                             'elsewhere': elsewhere},
                    listing=Listing(**found), detail=None)


def extension_page(text):
    text = text or '-'
    row = Row(text, text, [('linux', 'amd64', text)])
    share = Share(text, 1, 100.0, 100.0)
    downloads = Downloads([(text, 1)], charts.chart([(text, 1)]), [share], [share], Days(text, text, 1), text)
    shown = Detail(text, extension(text), Place('', text), text, set(), [text], [text], [row], [row], downloads,
                   Origin((Link(text, 'https://example.org', text), Link(text, '', text), Link(text, '')), text, text,
                          text),
                   install.commands(text, text), install.check('win', text, text),
                   Markup('<p>x</p>'), True)
    return rendered('catalog.html', text, **OF_CATALOG, listing=None, detail=shown, news={}, readable_size=str)


def statistics_page(text):
    text = text or '-'
    share, row = Share(text, 1, 100.0, 100.0), {'baseName': text, 'last_30_days': 2, 'previous_30_days': 1,
                                                'last_365_days': 3}
    return rendered(
        'statistics.html', text, choice=ChosenStatistics(), periods=PERIODS, by='day', rows=[('2026-11-01', 1)],
        kinds={'package': text, 'extension': text}, of_app='', chart=charts.chart([(text, 1)]), first=text, last=text,
        releases=[share], systems=[share], countries=[share], logs=Days(text, text, 1), notice=text, shown=days.shown,
        link=lambda extension: extension, popular=[row], trending=[row])


PAGES = {
    'catalog': catalog,
    'nothing in the catalog': lambda text: catalog(text, every=[], found=[], shown=[]),
    'nothing found': lambda text: catalog(text, found=[], shown=[], elsewhere=[Elsewhere(extension(text), text)]),
    'extension': extension_page,
    'unknown extension': lambda text: rendered('extension_unknown.html', text, name=text, similar=[text],
                                               link=lambda **_: 'x'),
    'download': download_page,
    'nothing to download': lambda text: rendered('download.html', text, name=text, yours=None, link=None,
                                              offers=offers.arranged([], [])),
    'statistics': statistics_page,
    'home': home,
    'start': lambda text: rendered('start.html', text, choices=[{'_id': text, 'name': text}]),
    'error': lambda text: rendered('error.html', text, about=None, title=text, message=text)}


@pytest.mark.parametrize('page', PAGES)
@given(text=HOSTILE)
def test_a_hostile_value_never_becomes_markup(page, text):
    harmless, hostile = PAGES[page]('-'), PAGES[page](text)
    assert hostile.elements == harmless.elements
    assert text in ''.join(hostile.texts)


@given(text=HOSTILE)
def test_a_data_block_is_json_that_no_text_can_end(text):
    block = str(about.as_data({text: [text]}))
    assert json.loads(block) == {text: [text]}
    assert not set(block) & set('<>&\u2028\u2029')


def test_a_template_with_a_missing_value_fails():
    with pytest.raises(UndefinedError, match="'message' is undefined"):
        rendered('error.html', '', about=None, title='x')


def test_a_template_escapes_even_where_it_is_made_from_text():
    assert html.TEMPLATES.from_string('<b>{{ x }}</b>').render(x='<i>') == '<b>&lt;i&gt;</b>'


def test_pages_are_as_dark_without_scripts():
    styles = (FOLDER / 'base.css').read_text(encoding='utf-8')
    set_by_script, by_system = (re.search(rf'{re.escape(selector)} {{(.*?)}}', styles, re.DOTALL)[1].split()
                                for selector in (':root[data-theme="dark"]', ':root:not([data-theme])'))
    assert set_by_script == by_system != []
