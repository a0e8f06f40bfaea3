"""Table of the metadata fields of application packages and of extensions.

To add a field, add a row here and one to ``slicer_package_manager_client/fields.py``, which a test compares with this
table. From a row follow the parameter of the REST call that saves a package, the stored metadata, the key by which
lists can be sorted and, if it has a ``filter``, filtered, and the key and example in name templates.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from typing import Any

from slicer_package_manager.registry.schema import validators

OPERATING_SYSTEMS = ('linux', 'win', 'macosx')
#: Other names that people and programs use for operating systems.
SYSTEM_ALIASES = {'windows': 'win', 'mac': 'macosx', 'macos': 'macosx', 'osx': 'macosx'}
ARCHITECTURES = ('i386', 'amd64', 'arm64')


@dataclass(frozen=True)
class Field:
    """One key of the metadata.

    :param description: for the REST reference.
    :param example: value in the example of a name template.
    :param validator: returns the value to store, or raises :exc:`ValueError`; see :mod:`validators`.
    :param required: whether a new package needs a value; it may be an empty text unless it identifies the package.
    :param default: makes the value of a new package for which none is given.
    :param enum: the allowed values.
    :param filter: description of the list filter with the name of the field; ``None`` if lists have no such filter.
    """

    name: str
    description: str
    example: str
    validator: Callable[[Any], Any] = validators.text
    required: bool = False
    default: Callable[[], Any] | None = None
    enum: tuple[str, ...] | None = None
    filter: str | None = None

    @property
    def type(self) -> str:
        """The type of the REST parameter, as OpenAPI names it."""
        return _TYPES.get(self.validator, 'string')

    def clean(self, value: object) -> Any:
        """Return the value to store.

        :raises ValueError: ``value`` is invalid.
        """
        return validators.choice(*self.enum)(value) if self.enum else self.validator(value)


_TYPES: dict[Callable[[Any], Any], str] = {validators.boolean: 'boolean', validators.integer: 'integer'}


@dataclass(frozen=True)
class PackageType:
    """Properties of one type of packages.

    :param label: name of the type in REST paths and documents.
    :param plural: key of the type in download statistics.
    :param identity: keys that identify a package in its release or draft.
    :param app_revision: key of the revision of the application.
    :param template: metadata key of the application that has the template of item names.
    :param fields: metadata that users edit.
    :param managed: metadata that the server sets; values from users are ignored.
    :param form_only: parameters for the item itself, which are not metadata.
    """

    label: str
    plural: str
    identity: tuple[str, ...]
    app_revision: str
    template: str
    default_template: str
    fields: tuple[Field, ...]
    managed: tuple[Field, ...]
    form_only: tuple[Field, ...] = ()

    @cached_property
    def keys(self) -> frozenset[str]:
        """All metadata keys of packages of this type."""
        return frozenset(self.examples)

    @cached_property
    def managed_keys(self) -> frozenset[str]:
        """The metadata keys that the server sets."""
        return frozenset(field.name for field in self.managed)

    @property
    def examples(self) -> dict[str, str]:
        """An example of each metadata key."""
        return {field.name: field.example for field in (*self.fields, *self.managed)}


def _now() -> datetime:
    return validators.timestamp(datetime.now(timezone.utc))


SYSTEM_FIELDS = (
    Field('os', 'Target operating system.', 'linux', required=True, enum=OPERATING_SYSTEMS,
          filter='Only this operating system.'),
    Field('arch', 'Target processor architecture.', 'amd64', required=True, enum=ARCHITECTURES,
          filter='Only this processor architecture.'),
)
_MANAGED = (
    Field('app_id', 'Id of the application.', '5f4474d0e1d8c75dfc705482'),
    Field('sha512', 'SHA-512 of the file, as hexadecimal digits.', 'cf83e1357eefb8bd' * 8),
)


def _shared_fields(name: str, revision: Field) -> tuple[Field, ...]:
    return (
        *SYSTEM_FIELDS,
        Field('baseName', 'Name without system and revision, such as "Slicer" or "SlicerIGT".', name,
              validators.name, required=True, filter='Only this base name.'),
        Field('repository_type', 'Version control system of the sources (git, svn).', 'git', required=True),
        Field('repository_url', 'Location of the sources, any text on one line; pages link http and https URLs.',
              f'https://github.com/Slicer/{name}', validators.repository_url, required=True),
        revision,
    )


PACKAGE = PackageType(
    label='package',
    plural='applications',
    identity=('baseName', 'os', 'arch', 'revision'),
    app_revision='revision',
    template='applicationPackageNameTemplate',
    default_template='{baseName}_{os}_{arch}_{revision}',
    fields=(
        *_shared_fields('Slicer', Field(
            'revision', 'Revision of the application.', '33241', validators.name, required=True,
            filter='Only this revision of the application.')),
        Field('version', 'Version of the application, such as 5.8.1.', '5.8.1', required=True,
              filter='Only this version.'),
        Field('pre_release', 'Whether the package is a preview of a release.', 'False', validators.boolean,
              default=lambda: False),
        Field('build_date', 'Time of the build; by default the time of the first upload.', '2026-11-01 04:00:00',
              validators.timestamp, default=_now),
    ),
    managed=(*_MANAGED, Field('release', 'Name of the release; absent in a draft.', '5.8.1')),
    form_only=(
        Field('description', 'Description of the package; HTML is reduced to tags for text and links.',
              'Nightly build', validators.html),
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
        *_shared_fields('SlicerIGT', Field(
            'revision', 'Revision of the extension.', 'ab12cd3', validators.name, required=True)),
        Field('app_revision', 'Revision of the application that the extension was built for.', '33241',
              validators.name, required=True, filter='Only those built for this revision of the application.'),
        Field('description', 'Description of the extension; HTML is reduced to tags for text and links.',
              'Image-guided therapy', validators.html, required=True),
        Field('icon_url', 'Picture of the extension: the first http or https URL of the text. Other text is dropped.',
              'https://example.org/icon.png', validators.icon_url),
        Field('category', 'Category in the catalog; subcategories after a dot.', 'IGT'),
        Field('homepage', 'Page about the extension: the first http or https URL of the text. Other text is dropped.',
              'https://www.slicerigt.org', validators.web_url),
        Field('screenshots', 'http and https URLs of pictures, separated by spaces, commas or semicolons. Other text '
              'is dropped.', 'https://example.org/1.png', validators.web_urls),
        Field('contributors', 'Authors of the extension.', 'A. Author', validators.free_list),
        Field('dependency', 'Names of required extensions, separated by spaces; NA for none.', 'SlicerIGSIO',
              validators.names),
        Field('recommends', 'Names of recommended extensions, separated by spaces; NA for none.', 'PLUSToolkit',
              validators.names),
        Field('license', 'Short name of the license.', 'BSD'),
        Field('development_status', 'Maturity of the extension, in free text.', 'beta'),
        Field('enabled', 'Whether the extension is enabled after its installation.', 'True', validators.boolean),
        Field('tier', 'Support level, higher is better: 1 experimental, 3 community-supported, 5 supported by Slicer '
              'core developers.', '3', validators.integer),
        Field('dicom_support_rule', 'Expression for how well the extension reads a DICOM data set.', 'CT'),
        Field('keywords', 'Words by which the extension is found.', 'navigation tracking', validators.free_list),
    ),
    managed=_MANAGED,
)

PACKAGE_TYPES = {package_type.label: package_type for package_type in (PACKAGE, EXTENSION)}


def operating_system(value: str) -> str:
    """Return the one of :data:`OPERATING_SYSTEMS` that ``value`` names, also by an alias, in any case.

    :raises ValueError: ``value`` names none of them.
    """
    name = value.strip().casefold()
    return validators.choice(*OPERATING_SYSTEMS)(SYSTEM_ALIASES.get(name, name))
