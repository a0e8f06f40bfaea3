"""Write the routes of the REST reference from their descriptions in the code: one page per family of calls.

``python docs/generate_rest_reference.py`` writes the part below the marker of each page in ``docs/reference/rest/``,
and the tables of permissions and of all calls in ``docs/reference/rest.md``. With ``--check``, it writes nothing: it
prints what would change, and the exit code is 1 if anything would. The text above the marker is written by hand, the
examples are in ``rest_examples.json``. Requires no database.
"""
from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
from pathlib import Path

from slicer_package_manager import rest
from slicer_package_manager.registry.tree import access

HERE = Path(__file__).parent
OVERVIEW = HERE / 'reference' / 'rest.md'
#: The pages, each with the beginnings of the paths on it. The first page that fits has the route.
FAMILIES = {
    'statistics': ('/app/:app_id/downloads', '/app/:app_id/summary', '/app/:app_id/expected',
                   '/app/:app_id/popularity'),
    'webhooks': ('/app/:app_id/webhook',),
    'lookup': ('/app/:app_id/package/find', '/app/:app_id/package/download'),
    'packages': ('/app/:app_id/package',),
    'extensions': ('/app/:app_id/extension',),
    'releases': ('/app/:app_id/release', '/app/:app_id/draft'),
    'publishers': ('/app/:app_id/publisher', '/slicer_package_manager/oidc'),
    'applications': ('/app',),
    'server': ('/slicer_package_manager',),
}
PAGES = HERE / 'reference' / 'rest'
EXAMPLES = HERE / 'rest_examples.json'
MARKER = '<!-- Below this line: written by docs/generate_rest_reference.py -->\n'
RESOURCES = {'app': rest.ROUTES, 'slicer_package_manager': rest.OF_SERVER}
WHO = {'public': 'anyone, for public documents', 'user': 'users who are logged in', 'admin': 'site administrators'}
LEVELS = {access.READ: 'READ', access.WRITE: 'WRITE', access.ADMIN: 'ADMIN'}
#: Girder's descriptions of the parameters that page a list are short. These replace them.
PAGING = {
    'limit': 'Maximum number of results; 0 for all.',
    'offset': 'Number of results to skip.',
    'sort': 'Key to sort by. Documents with equal values are sorted by id.',
    'sortdir': '1 for ascending, -1 for descending.',
}


def routes():
    """Each route of ours as ``(method, path, handler)``, in the order of paths."""
    found = [(method, '/'.join(['', name, *path]), handler)
             for name, routes in RESOURCES.items() for method, path, handler in routes]
    return sorted(found, key=lambda route: (route[1], ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].index(route[0])))


def section(method, path, handler, example):
    """The text on one route."""
    description = handler.description.asDict()
    parts = [f'## `{method} {path}`', description['summary'], description.get('description', ''),
             f'Callers: {WHO[handler.accessLevel]}.', parameters(description.get('parameters', ())),
             errors(description['responses']), shown(example)]
    return '\n\n'.join(part for part in parts if part) + '\n'


def parameters(given):
    """A table of parameters; nothing for a route without any."""
    if not given:
        return ''
    rows = [f'| `{one["name"]}` | {one["in"]} | {one["type"]} | {default(one)} | {meaning(one)} |' for one in given]
    return '\n'.join(['| Parameter | In | Type | Default | Meaning |', '| --- | --- | --- | --- | --- |', *rows])


def default(parameter):
    """The value that applies if the parameter is omitted."""
    if parameter['required']:
        return 'required'
    value = parameter.get('default')
    return '' if value in (None, '') else f'`{json.dumps(value) if not isinstance(value, str) else value}`'


def meaning(parameter):
    """What the parameter does, and its allowed values."""
    text = PAGING.get(parameter['name'], parameter['description']) if 'default' in parameter else \
        parameter['description']
    allowed = parameter.get('enum')
    if allowed and parameter['name'] not in PAGING:
        text += ' One of ' + ', '.join(f'`{value}`' for value in allowed) + '.'
    return text.replace('|', '\\|')


def errors(responses):
    """A list of the statuses for failures."""
    failures = sorted((status, text) for status, one in responses.items() if status >= '400'
                      for text in one['description'].split('\n\n'))
    return '\n'.join(['Errors:', '', *(f'- {status}: {text}' for status, text in failures)]) if failures else ''


def shown(example):
    """A request and its response."""
    request = f'```\n{example["request"]}\n```\n\n'
    if 'location' in example:
        return f'{request}```\nHTTP/1.1 302 Found\nlocation: {example["location"]}\n```'
    return f'{request}```json\n{json.dumps(example["answer"], indent=1, ensure_ascii=False)}\n```'


def family(path):
    """The name of the page that has the routes of ``path``."""
    return next(name for name, beginnings in FAMILIES.items() if path.startswith(beginnings))


def anchor(method, path):
    """The anchor that mkdocs gives to the heading of a route."""
    return re.sub(r'[-\s]+', '-', re.sub(r'[^\w\s-]', '', f'{method} {path}').lower())


def by_hand(page):
    """What is written by hand at the beginning of a page, with the marker."""
    return page.read_text(encoding='utf-8').partition(MARKER)[0] + MARKER


def permissions():
    """The table of operations, with what each requires."""
    rows = [f'| {one.title} | {one.caller.value} | {f"`{one.scope}`" if one.scope else ""} | {levels(one)} |'
            for one in access.OPERATIONS]
    return '\n'.join(['| Operation | Caller | Scope of an API key | Access |', '| --- | --- | --- | --- |', *rows, ''])


def levels(operation):
    """The levels of access that an operation requires."""
    required = ((operation.application, 'the application'), (operation.target, operation.what))
    return ', '.join(f'{LEVELS[level]} on {document}' for level, document in required if level is not None)


def overview():
    """The permissions, and all calls. Each call has the anchor under which older links look for it on this page."""
    rows = [f'| <a id="{anchor(method, path)}"></a>[`{method} {path}`](rest/{family(path)}.md#{anchor(method, path)}) '
            f'| {handler.description.asDict()["summary"]} |' for method, path, handler in routes()]
    return '\n'.join([by_hand(OVERVIEW), '## Who may do what', '', permissions(),
                      '## All calls', '', '| Call | Purpose |', '| --- | --- |', *rows, ''])


def family_page(name, page):
    """The page of a family, with all of its routes."""
    examples = {one['route']: one for one in json.loads(EXAMPLES.read_text(encoding='utf-8'))}
    sections = [section(*route, examples[f'{route[0]} {route[1]}']) for route in routes() if family(route[1]) == name]
    return '\n'.join([by_hand(page), *sections])


def pages():
    """The text that each page should have, by its path."""
    found = {PAGES / f'{name}.md': family_page(name, PAGES / f'{name}.md') for name in FAMILIES}
    return {OVERVIEW: overview(), **found}


def main():
    """Write the pages or, with ``--check``, compare them; the exit code is 1 if one was out of date."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--check', action='store_true', help='write nothing; exit with 1 if a page is out of date')
    check = parser.parse_args().check
    changed = {page: (old, new) for page, new in pages().items() if (old := page.read_text(encoding='utf-8')) != new}
    for page, (old, new) in changed.items():
        if check:
            sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), page.name, 'routes'))
        else:
            page.write_text(new, encoding='utf-8')
    sys.exit(check and bool(changed))


if __name__ == '__main__':
    main()
