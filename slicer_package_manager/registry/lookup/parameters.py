"""What can be asked when a build is looked for: parameters, with their rules, and what they come to."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from slicer_package_manager.registry.lookup import selection
from slicer_package_manager.registry.lookup.selection import ANY, NIGHTLY, RELEASE, STABILITIES, Build
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.fields import ARCHITECTURES, OPERATING_SYSTEMS, operating_system
from slicer_package_manager.registry.schema.validators import Input, clean_all

_LOST_SIGN = re.compile(r'([:.][0-9]+) ([0-9]{2}:?[0-9]{2})$')


@dataclass(frozen=True)
class Parameter:
    """One parameter.

    :param rule: turns the given text into its value; see :mod:`validators`.
    :param fits: for a parameter that picks builds: whether a build is one that the value means.
    :param names: whether the value names a build, so that it is meant though it is held back.
    """

    help: str
    rule: Callable[[Any], Any]
    fits: Callable[[Build, Any], bool] | None = None
    names: Callable[[Build, Any], bool] | None = None
    enum: tuple[str, ...] | None = None
    type: str = 'string'


def _word(value):
    if validators.has_control_characters(value):
        raise ValueError('must be on one line, without control characters')
    return validators.name(value)


def _number(value):
    if not value.isascii() or not value.isdigit():
        raise ValueError(f'"{validators.shortened(value)}" is not a whole number; other revisions are in no order')
    return validators.name(value)


def _moment(value):
    """A moment or, where the text tells no time of day, that day."""
    # The "+" of an offset is a space to who reads a query.
    moment = validators.timestamp(_LOST_SIGN.sub(r'\1+\2', value))
    return moment if ':' in value else moment.date()


def _gone(_value):
    raise ValueError('was known to the MIDAS server only; ask for date, the day of the build')


PARAMETERS = {
    'os': Parameter('The operating system; windows, mac and macos are understood too.', operating_system,
                    enum=OPERATING_SYSTEMS),
    'arch': Parameter('The processor architecture; without it amd64 and, if nothing there fits, any other.',
                      validators.choice(*ARCHITECTURES), enum=ARCHITECTURES),
    'stability': Parameter('release: only releases, without previews of them. nightly: only what is in no release. '
                           'By default release, but any with revision.', validators.choice(*STABILITIES),
                           enum=STABILITIES),
    'revision': Parameter('Just this revision of the application.', _word, selection.has_revision,
                          selection.has_revision),
    'closest-revision': Parameter('The newest revision up to this one, a whole number.', _number,
                                  selection.is_not_after),
    'version': Parameter('The newest build of this version; 5 and 5.8 include 5.8.1.', _word, selection.has_version,
                         selection.is_named),
    'date': Parameter('The newest revision among what was built up to this moment or, as in 2026-11-01, up to the end '
                      'of this day (UTC).', _moment, selection.was_built_by),
    'checkout-date': Parameter('Not available any more; use date.', _gone, selection.was_built_by),
    'offset': Parameter('So many revisions away from the one that fits: -1 is the one before, 1 the one after.',
                        validators.integer, type='integer'),
}
#: The parameters of which no two go together.
MODES = tuple(name for name, parameter in PARAMETERS.items() if parameter.fits)


@dataclass(frozen=True)
class Question:
    """Which build is asked for.

    :param os: ``None`` for all systems.
    :param stability: ``None`` where it was not given.
    :param mode: the one of :data:`MODES` that was given, if any, and ``value`` what it says.
    :param asked: the parameters as they were given, for messages.
    """

    os: str | None = None
    arch: str | None = None
    stability: str | None = None
    offset: int = 0
    mode: str | None = None
    value: Any = None
    asked: str = ''

    @property
    def one_stability(self) -> str:
        """The stability that holds where one build is asked for."""
        return self.stability or (ANY if self.mode == 'revision' else RELEASE)

    @property
    def stabilities(self) -> tuple[str, ...]:
        """Those that hold where builds of each stability are asked for."""
        return (self.stability,) if self.stability else (RELEASE, NIGHTLY)

    def answer(self, found: Iterable[Build], os: str | None, stability: str) -> Build | None:
        """The one of ``found`` that is asked for; what is held back only where it is named."""
        among = [one for one in found if one.os == os and selection.is_stable(one, stability)
                 and not (one.held_back and not self._is('names', one))]
        return selection.choose(among, lambda one: self.mode is None or self._is('fits', one), self.arch, self.offset)

    def _is(self, what, build):
        rule = getattr(PARAMETERS[self.mode], what) if self.mode else None
        return bool(rule and rule(build, self.value))


def is_asked(given: Mapping[str, Any]) -> bool:
    """Whether ``given`` has any parameter that asks for a build."""
    return any(name in given for name in PARAMETERS)


def parse(given: Mapping[str, Any], *, one_system: bool = True) -> Question:
    """The question that parameters of a request ask; unknown ones are passed over.

    :param one_system: whether ``os`` must be given.
    :raises Invalid: naming everything that is wrong.
    """
    asked = {name: given[name] for name in PARAMETERS if given.get(name) is not None}
    several = [(name, 'must be given once') for name, value in asked.items() if not isinstance(value, str)]
    if several:
        raise Invalid(several)
    problems = _missing(asked) if one_system else []
    problems += _conflicts(asked)
    try:
        kept = clean_all(**{name: Input(value, PARAMETERS[name].rule, required=name != 'offset')
                          for name, value in asked.items()})
    except Invalid as error:
        problems += error.problems
    if problems:
        raise Invalid(problems)
    return _question(kept, ', '.join(f'{name}={validators.shortened(value)}' for name, value in asked.items()))


def _missing(asked):
    return [] if 'os' in asked else [('os', f'is required; one of {", ".join(OPERATING_SYSTEMS)}')]


def _conflicts(asked):
    modes = [name for name in MODES if name in asked]
    return [(modes[1], f'does not go with {modes[0]}; give only one of {", ".join(MODES[:-1])}')] if modes[1:] else []


def _question(kept, asked):
    mode = next((name for name in MODES if name in kept), None)
    return Question(
        os=kept.get('os'), arch=kept.get('arch'), stability=kept.get('stability'), offset=kept.get('offset', 0),
        mode=mode, value=kept.get(mode), asked=asked)
