"""The two types of packages, application packages and extensions, and their metadata fields."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from slicer_package_manager.registry.schema import validators

OPERATING_SYSTEMS = ('linux', 'win', 'macosx')
#: What people and other programs call them as well.
SYSTEM_ALIASES = {'windows': 'win', 'mac': 'macosx', 'macos': 'macosx', 'osx': 'macosx'}
ARCHITECTURES = ('i386', 'amd64', 'arm64')
#: How many of the parts that are left out of one value are named.
_NAMED = 3


@dataclass(frozen=True)
class Field:
    """One key of a thing's metadata.

    :param clean: the rule that a given value goes through, see :mod:`validators`.
    :param required: a thing cannot be created without it; an empty text is kept as one.
    :param default: makes the value of a thing that is created without it.
    """

    name: str
    help: str
    clean: Callable[[Any], Any] = validators.text
    required: bool = False
    default: Callable[[], Any] | None = None
    enum: tuple[str, ...] | None = None
    type: str = 'string'


@dataclass(frozen=True)
class PackageType:
    """What is particular to one type of package.

    :param identity: the fields whose values, in one folder, no two things share.
    :param app_revision: the field that tells the revision of the application.
    :param template: the application's metadata key that holds the template of item names.
    :param plural: the key of the type in download statistics.
    :param form_only: what can be given with a new thing, but is no metadata.
    """

    label: str
    plural: str
    identity: tuple[str, ...]
    app_revision: str
    template: str
    default_template: str
    fields: tuple[Field, ...]
    form_only: tuple[Field, ...] = ()

    @property
    def by_name(self) -> dict[str, Field]:
        """The fields by their names."""
        return {field.name: field for field in self.fields}

    @property
    def keys(self) -> frozenset[str]:
        """Every metadata key that a package of this type may have, those the registry sets included."""
        return frozenset(self.by_name) | MANAGED[self.label]


#: Metadata that follows from where a thing is and what file it has; what users write there has no effect.
MANAGED = {'package': frozenset({'app_id', 'sha512', 'release'}), 'extension': frozenset({'app_id', 'sha512'})}


def _now():
    now = datetime.now(timezone.utc)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _shared(revision_help):
    return (
        Field('os', 'Target operating system.', validators.choice(*OPERATING_SYSTEMS), required=True,
              enum=OPERATING_SYSTEMS),
        Field('arch', 'Target processor architecture.', validators.choice(*ARCHITECTURES), required=True,
              enum=ARCHITECTURES),
        Field('baseName', 'Name without system and revision, such as "Slicer" or "SlicerIGT".', validators.name,
              required=True),
        Field('repository_type', 'Version control system of the sources (git, svn).', required=True),
        Field('repository_url', 'Where the sources are, in any words on one line; pages link http and https.',
              validators.repository_url, required=True),
        Field('revision', revision_help, validators.name, required=True),
    )


PACKAGE = PackageType(
    label='package',
    plural='applications',
    identity=('baseName', 'os', 'arch', 'revision'),
    app_revision='revision',
    template='applicationPackageNameTemplate',
    default_template='{baseName}_{os}_{arch}_{revision}',
    fields=(
        *_shared('Revision of the application.'),
        Field('version', 'Version of the application, such as 5.8.1.', required=True),
        Field('pre_release', 'Whether the package is a preview of a release.', validators.boolean,
              default=lambda: False, type='boolean'),
        Field('build_date', 'When the package was built; now, if never given.', validators.timestamp, default=_now),
    ),
    form_only=(
        Field('description', 'What the package is; HTML is reduced to text tags and links.', validators.html),
    ),
)

EXTENSION = PackageType(
    label='extension',
    plural='extensions',
    identity=('baseName', 'os', 'arch', 'app_revision'),
    app_revision='app_revision',
    template='extensionPackageNameTemplate',
    default_template='{app_revision}_{baseName}_{os}_{arch}_{revision}',
    fields=(
        *_shared('Revision of the extension.'),
        Field('app_revision', 'Revision of the application that the extension was built for.', validators.name,
              required=True),
        Field('description', 'What the extension does; HTML is reduced to text tags and links.', validators.html,
              required=True),
        Field('icon_url', 'Picture of the extension: an http or https URL, the first of several. What is none is left '
              'out.', validators.icon_url),
        Field('category', 'Category in the catalog; subcategories after a dot.'),
        Field('homepage', 'Page about the extension: an http or https URL. What is none is left out.',
              validators.web_url),
        Field('screenshots', 'http and https URLs of pictures, separated by spaces, commas or semicolons. What is '
              'none is left out.', validators.web_urls),
        Field('contributors', 'Who made the extension.', validators.free_list),
        Field('dependency', 'Names of the extensions that it requires, separated by spaces; NA for none.',
              validators.names),
        Field('recommends', 'Names of the extensions that it recommends, separated by spaces; NA for none.',
              validators.names),
        Field('license', 'Short name of the license.'),
        Field('development_status', 'How mature the extension is, in free words.'),
        Field('enabled', 'Whether the extension is enabled after its installation.', validators.boolean,
              type='boolean'),
        Field('tier', 'Support level, higher is better: 1 experimental, 3 community-supported, 5 supported by Slicer '
              'core developers.', validators.integer, type='integer'),
        Field('dicom_support_rule', 'Expression that tells how well the extension reads a DICOM data set.'),
        Field('keywords', 'Words that help to find the extension.', validators.free_list),
    ),
)

PACKAGE_TYPES = {package_type.label: package_type for package_type in (PACKAGE, EXTENSION)}


def operating_system(text: str) -> str:
    """Which of :data:`OPERATING_SYSTEMS` ``text`` names, by its name or an alias, in any case.

    :raises ValueError: none.
    """
    name = text.strip().casefold()
    found = SYSTEM_ALIASES.get(name, name)
    if found not in OPERATING_SYSTEMS:
        raise ValueError(f'must be one of {", ".join(OPERATING_SYSTEMS)}')
    return found


def clean(package_type: PackageType, given: Mapping[str, Any], *, form: bool = False):
    """What ``given`` comes to: ``(values to keep, optional keys to clear, problems)``.

    Keys that the registry sets by itself are passed over, a value of ``None`` counts as not given.

    :param form: whether ``given`` may hold what is no metadata, as a form for a new thing does.
    """
    kept: dict[str, Any] = {}
    cleared: set[str] = set()
    problems = []
    fields = {field.name: field for field in (*package_type.fields, *(package_type.form_only if form else ()))}
    for key, value in given.items():
        if key in MANAGED[package_type.label] or value is None:
            continue
        try:
            _clean_one(fields.get(key), value, package_type, kept, cleared)
        except ValueError as error:
            problems.append((validators.shortened(key), str(error)))
    return kept, cleared, problems


def _clean_one(field, value, package_type, kept, cleared):
    if field is None:
        raise ValueError(f'is unknown; no {package_type.label} has such a key')
    cleaned = field.clean(value) if not isinstance(value, str) or validators.one_line(value) else ''
    if cleaned != '':
        kept[field.name] = cleaned
    elif field.name in (*package_type.identity, 'revision'):
        raise ValueError('must not be empty')
    elif field.required:
        kept[field.name] = ''
    elif field.default is None:
        cleared.add(field.name)
    # An empty text for a key that is always there changes nothing.


def left_out(package_type: PackageType, given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """For each key of ``given``, which is clean enough to be kept, what of its value is not kept, and why."""
    rules = {field.name: field.clean for field in package_type.fields if isinstance(field.clean, validators.WebUrls)}
    found = [(key, rules[key].left_out(value)) for key, value in given.items() if key in rules and value is not None]
    return [(key, f'left out {", ".join(map(_quoted, parts[:_NAMED]))}{_more(parts)}; only http and https URLs are kept'
                  + (', and the first of several' if rules[key].most else ''))
            for key, parts in found if parts]


def _quoted(part):
    return f'"{validators.shortened(part)}"'


def _more(parts):
    return f' and {len(parts) - _NAMED} more' if parts[_NAMED:] else ''


def missing(package_type: PackageType, meta: Mapping[str, Any]):
    """Problems of a thing that is to have ``meta``: the required keys that it lacks."""
    return [(field.name, 'is required') for field in package_type.fields if field.required and field.name not in meta]


def defaults(package_type: PackageType, meta: Mapping[str, Any]) -> dict[str, Any]:
    """Values for the keys that every package of the type has and ``meta`` lacks."""
    return {field.name: field.default() for field in package_type.fields
            if field.default is not None and field.name not in meta}


def claims(meta: Mapping[str, Any]) -> bool:
    """Whether an item with ``meta``, in a folder of an application, is meant as a package or an extension."""
    return any(key in meta for key in ('baseName', 'os', 'arch', 'app_id'))
