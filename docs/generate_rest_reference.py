"""Write the part of docs/reference/rest.md that tells each route, from the routes' own descriptions.

``python docs/generate_rest_reference.py`` rewrites it; with ``--check`` it only tells, by its exit code and a
difference on standard output, whether that is needed. The text above the marker line is written by hand, the
examples are in rest_examples.json. Needs no database.
"""
from __future__ import annotations

import argparse
import difflib
import json
import sys
from pathlib import Path

from slicer_package_manager import rest

HERE = Path(__file__).parent
PAGE = HERE / 'reference' / 'rest.md'
EXAMPLES = HERE / 'rest_examples.json'
MARKER = '<!-- Below this line: written by docs/generate_rest_reference.py -->\n'
RESOURCES = (rest.App, rest.PackageManager)
WHO = {'public': 'anyone, for what is public', 'user': 'logged in', 'admin': 'site administrators'}
#: What Girder says of the parameters by which it pages lists is short; this is what holds here.
PAGING = {
    'limit': 'At most so many; 0 for all.',
    'offset': 'Leave out so many at the beginning.',
    'sort': 'Key to sort by. What is equal in it comes in the order of the ids.',
    'sortdir': '1 for ascending, -1 for descending.',
}


def routes():
    """Each route of ours as ``(method, path, handler)``, in the order of paths."""
    found = [(method.upper(), '/'.join(['', resource.resourceName, *path]), handler)
             for resource in (kind() for kind in RESOURCES)
             for method, by_length in resource._routes.items()  # noqa: SLF001 - Girder offers no list of routes
             for paths in by_length.values() for path, handler in paths]
    return sorted(found, key=lambda route: (route[1], ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].index(route[0])))


def section(method, path, handler, example):
    """The text on one route."""
    description = handler.description.asDict()
    parts = [f'### `{method} {path}`', description['summary'], description.get('description', ''),
             f'Who: {WHO[handler.accessLevel]}.', parameters(description.get('parameters', ())),
             errors(description['responses']), shown(example)]
    return '\n\n'.join(part for part in parts if part) + '\n'


def parameters(given):
    """A table of parameters; nothing for a route without any."""
    if not given:
        return ''
    rows = [f'| `{one["name"]}` | {one["in"]} | {one["type"]} | {default(one)} | {meaning(one)} |' for one in given]
    return '\n'.join(['| Parameter | In | Type | Default | Meaning |', '| --- | --- | --- | --- | --- |', *rows])


def default(parameter):
    """What holds where the parameter is left out."""
    if parameter['required']:
        return 'required'
    value = parameter.get('default')
    return '' if value in (None, '') else f'`{json.dumps(value) if not isinstance(value, str) else value}`'


def meaning(parameter):
    """What the parameter does, with the values that it may have."""
    text = PAGING.get(parameter['name'], parameter['description']) if 'default' in parameter else \
        parameter['description']
    allowed = parameter.get('enum')
    if allowed and parameter['name'] not in PAGING:
        text += ' One of ' + ', '.join(f'`{value}`' for value in allowed) + '.'
    return text.replace('|', '\\|')


def errors(responses):
    """A list of the statuses for failures."""
    failures = sorted((status, one['description']) for status, one in responses.items() if status >= '400')
    return '\n'.join(['Errors:', '', *(f'- {status}: {text}' for status, text in failures)]) if failures else ''


def shown(example):
    """A request and its answer."""
    request = f'```\n{example["request"]}\n```\n\n'
    if 'location' in example:
        return f'{request}```\nHTTP/1.1 302 Found\nLocation: {example["location"]}\n```'
    return f'{request}```json\n{json.dumps(example["answer"], indent=1, ensure_ascii=False)}\n```'


def page():
    """The whole page as it should be."""
    by_hand = PAGE.read_text(encoding='utf-8').partition(MARKER)[0]
    examples = {one['route']: one for one in json.loads(EXAMPLES.read_text(encoding='utf-8'))}
    sections = [section(*route, examples[f'{route[0]} {route[1]}']) for route in routes()]
    return '\n'.join([by_hand + MARKER, '## Routes\n', *sections])


def main():
    """Rewrite the page or, with ``--check``, compare it; the exit code tells whether it was out of date."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--check', action='store_true', help='change nothing; exit with 1 if the page is out of date')
    check = parser.parse_args().check
    old, new = PAGE.read_text(encoding='utf-8'), page()
    if check:
        sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), 'rest.md', 'routes'))
        sys.exit(old != new)
    PAGE.write_text(new, encoding='utf-8')


if __name__ == '__main__':
    main()
