"""Parameters of a lookup, and the :class:`Query` that they make. Pure: no database."""
from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid, Problem
from slicer_package_manager.registry.schema.fields import ARCHITECTURES, OPERATING_SYSTEMS, operating_system
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import Input, clean_all

RELEASE, NIGHTLY, ANY = STABILITIES = ('release', 'nightly', 'any')
_DECODED_SIGN = re.compile(r'([:.][0-9]+) ([0-9]{2}:?[0-9]{2})$')


@dataclass(frozen=True)
class Parameter:
    """A parameter of the request.

    :param description: for the REST reference.
    :param validator: see :mod:`validators`.
    :param is_criterion: whether it selects packages by its value; a request may have one criterion.
    """

    description: str
    validator: Callable[[str], Any]
    is_criterion: bool = False
    enum: tuple[str, ...] | None = None
    type: str = 'string'


def _exact(value: str) -> str:
    if validators.has_control_characters(value):
        raise ValueError('must be on one line, without control characters')
    return validators.name(value)


def _numeric_revision(value: str) -> str:
    if not value.isascii() or not value.isdigit():
        raise ValueError(f'"{validators.shortened(value)}" is not a whole number; other revisions have no order')
    return validators.name(value)


def _day_or_time(value: str) -> date:
    """A ``datetime`` in UTC; a ``date`` if the text has no time of day."""
    # In a query string, the "+" of an offset from UTC is decoded as a space.
    time = validators.timestamp(_DECODED_SIGN.sub(r'\1+\2', value))
    return time if ':' in value else time.date()


def _unsupported(_value: str) -> str:
    raise ValueError('is not supported any more; use date, the day of the build')


PARAMETERS = {
    'os': Parameter('Operating system; windows, mac and macos are accepted too.', operating_system,
                    enum=OPERATING_SYSTEMS),
    'arch': Parameter('Processor architecture; by default amd64 or, if no such package matches, any other.',
                      validators.choice(*ARCHITECTURES), enum=ARCHITECTURES),
    'stability': Parameter('release: only releases, without previews of them. nightly: only packages in drafts. By '
                           'default release, but any with revision.', validators.choice(*STABILITIES),
                           enum=STABILITIES),
    'revision': Parameter('Only this revision of the application.', _exact, is_criterion=True),
    'closest-revision': Parameter('The newest revision up to this one, a whole number.', _numeric_revision,
                                  is_criterion=True),
    'version': Parameter('The newest package of this version; 5 and 5.8 include 5.8.1.', _exact, is_criterion=True),
    'date': Parameter('The newest revision among the packages that were built up to this time or, for a day such as '
                      '2026-11-01, up to the end of that day (UTC).', _day_or_time, is_criterion=True),
    'checkout-date': Parameter('Not supported any more; use date.', _unsupported, is_criterion=True),
    'offset': Parameter('Number of revisions to go from the match: -1 is the previous revision, 1 the next one.',
                        validators.integer, type='integer'),
}
#: Parameters of which a request may have one.
CRITERIA = tuple(name for name, parameter in PARAMETERS.items() if parameter.is_criterion)


@dataclass(frozen=True)
class Query:
    """A validated lookup.

    :param os: ``None`` for all operating systems.
    :param arch: ``None`` for the default architecture.
    :param stability: ``None`` if the request has none.
    :param criterion: the one of :data:`CRITERIA` in the request, with its ``value``; ``None`` for the newest package.
    :param text: the parameters as the request has them, for messages.
    """

    os: str | None = None
    arch: str | None = None
    stability: str | None = None
    offset: int = 0
    criterion: str | None = None
    value: Any = None  # of the type that the validator of the criterion returns
    text: str = ''

    @property
    def one_stability(self) -> str:
        """The stability for a lookup of one package."""
        return self.stability or (ANY if self.criterion == 'revision' else RELEASE)

    @property
    def stabilities(self) -> tuple[str, ...]:
        """The stabilities for a lookup of packages of each stability."""
        return (self.stability,) if self.stability else (RELEASE, NIGHTLY)


def has_parameters(given: Mapping[str, object]) -> bool:
    """Whether a request has any parameter of a lookup."""
    return any(name in given for name in PARAMETERS)


def parse(given: Mapping[str, object], *, one_system: bool = True) -> Query:
    """Make the query of the parameters of a request; unknown parameters are ignored.

    :param one_system: whether ``os`` is required.
    :raises Invalid: naming all problems.
    """
    known = {name: given[name] for name in PARAMETERS if given.get(name) is not None}
    values = {name: value for name, value in known.items() if isinstance(value, str)}
    if len(values) < len(known):
        raise Invalid([(name, 'must be given only once') for name in known if name not in values])
    problems = _conflicts(values)
    if one_system and 'os' not in values:
        problems.insert(0, ('os', f'is required; one of {", ".join(OPERATING_SYSTEMS)}'))
    try:
        cleaned = clean_all(**{name: Input(value, PARAMETERS[name].validator, required=name != 'offset')
                               for name, value in values.items()})
    except Invalid as error:
        problems += error.problems
    if problems:
        raise Invalid(problems)
    return _query(cleaned, ', '.join(f'{name}={validators.shortened(value)}' for name, value in values.items()))


def _conflicts(values: Mapping[str, str]) -> list[Problem]:
    criteria = [name for name in CRITERIA if name in values]
    if len(criteria) <= 1:
        return []
    supported = ', '.join(name for name in CRITERIA if name != 'checkout-date')
    return [(criteria[1], f'cannot be combined with {criteria[0]}; give only one of {supported}')]


def _query(cleaned: Document, text: str) -> Query:
    criterion = next((name for name in CRITERIA if name in cleaned), None)
    return Query(
        os=cleaned.get('os'), arch=cleaned.get('arch'), stability=cleaned.get('stability'),
        offset=cleaned.get('offset', 0), criterion=criterion, value=criterion and cleaned[criterion], text=text)
