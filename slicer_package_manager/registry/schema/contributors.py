"""The names of people in the metadata ``contributors`` of an extension."""
from __future__ import annotations

import re

#: Parentheses have what a person belongs to. They may be nested once.
_AFFILIATION = re.compile(r'\((?:[^()]|\([^()]*\))*\)')
_SEPARATOR = re.compile(r'[,;]|\s&\s|\sand\s')
#: What authors of metadata write for "none", and the rest of a list that is cut off.
_NO_NAMES = {'na', 'n/a', 'none', 'et al', 'et al.', 'others'}


def names(contributors: str) -> list[str]:
    """Return the names in ``contributors``, such as ``Ada Example (Lab), Ben Sample (Company, Town)``, each once."""
    parts = (part.strip(' .()') for part in _SEPARATOR.split(_AFFILIATION.sub('', contributors)))
    found = (' '.join(part.split()) for part in parts)
    return list(dict.fromkeys(one for one in found if one and one.casefold() not in _NO_NAMES))


def parts(contributors: str) -> list[tuple[str, str]]:
    """Split ``contributors`` into texts, each with the name that it is; empty for a text between names."""
    found: list[tuple[str, str]] = []
    end = 0
    for name in names(contributors):
        spot = re.compile(r'\s+'.join(map(re.escape, name.split()))).search(contributors, end)
        if spot:
            found += [(contributors[end:spot.start()], ''), (spot[0], name)]
            end = spot.end()
    return [one for one in [*found, (contributors[end:], '')] if one[0]]
