"""Table of the metadata fields of application packages and of extensions.

To add a field, add a row here after one to ``slicer_package_manager/registry/schema/fields.py`` of the server; a test
compares the two. From a row follow the option of the upload command, the parameter of the method, the key of catalog
entries, and the REST parameter.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slicer_package_manager_client.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

OPERATING_SYSTEMS = ('win', 'linux', 'macosx')
ARCHITECTURES = ('amd64', 'i386', 'arm64')
_NONE = 'NA'


@dataclass(frozen=True)
class Field:
    """One key of a package's metadata, and the option that sets it.

    :param key: name of the REST parameter.
    :param option: name of the command line option, without dashes.
    :param required: the command needs a value, which may be empty.
    :param sent: the server does not register a package without it.
    :param asked: the command asks for it if it is not given, on a terminal or through a pipe.
    :param default: value if the option is not given; that of release 0.11.
    :param names: the value is a list of names or URLs, in which ``NA`` means none.
    :param address: the value consists of URLs.
    :param type: of the option's value.
    """

    key: str
    option: str
    help: str
    required: bool = False
    asked: bool = False
    sent: bool = False
    default: str | None = None
    names: bool = False
    address: bool = False
    type: type = str


@dataclass(frozen=True)
class PackageType:
    """Properties of one type of package.

    :param label: name of the type, and of its REST route.
    :param identity: the keys that identify a package in its release.
    :param app_revision: the key with the revision of the application.
    :param columns: headers of the printed table, with the keys of the rows.
    """

    label: str
    noun: str
    identity: tuple[str, ...]
    app_revision: str
    release_filter: str
    fields: tuple[Field, ...]
    columns: tuple[tuple[str, str], ...]

    @property
    def never_empty(self) -> frozenset[str]:
        """The options whose values must not be empty."""
        return frozenset(field.option for field in self.fields if field.key in (*self.identity, 'revision'))

    def check_options(self, names: Iterable[str]) -> None:
        """Refuse names that are not options of a field.

        :raises TypeError: naming the first of them.
        """
        known = {field.option for field in self.fields}
        for name in names:
            if name not in known:
                raise TypeError(f'unexpected keyword argument "{name}"; the fields of an {self.noun} are '
                                f'{", ".join(sorted(known))}')

    def by_option(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the REST parameters for options: ``None`` leaves a value as it is, an empty text clears it.

        :raises InvalidRequest: required options are missing, or empty although they identify the package; the
            message names all of them.
        """
        missing = [f'--{field.option}' for field in self.fields if field.required and (
            given.get(field.option) is None or (field.option in self.never_empty and not given[field.option]))]
        if missing:
            raise InvalidRequest(f'Not given, or empty: {", ".join(missing)}.')
        values = {field.key: _value(field, given.get(field.option)) for field in self.fields}
        return {key: value for key, value in values.items() if value is not None}


def _value(field: Field, value: Any) -> Any:
    """Return ``value`` as the server expects it; ``None`` if it is not given."""
    if value == '' and field.type is not str:
        return None
    if field.names and _NONE in str(value or '').split():
        return ' '.join(name for name in value.split() if name != _NONE)
    return value


def _shared(noun: str, revision: Field) -> tuple[Field, ...]:
    return (
        Field('os', 'os', f'The target operating system of the {noun}', required=True, sent=True,
              default='linux'),
        Field('arch', 'arch', f'Architecture that is supported by the {noun}', required=True, sent=True,
              default='amd64'),
        Field('baseName', 'name', f'The baseName of the {noun}', required=True, sent=True, asked=True),
        Field('repository_type', 'repo_type', f'Type of the repository of the {noun}, such as git',
              sent=True),
        Field('repository_url', 'repo_url', f'URL of the repository of the {noun}', sent=True, address=True),
        revision,
    )


PACKAGE = PackageType(
    label='package',
    noun='application package',
    identity=('baseName', 'os', 'arch', 'revision'),
    app_revision='revision',
    release_filter='release_id_or_name',
    fields=(
        *_shared('package', Field('revision', 'revision', 'Revision of the application', required=True, sent=True,
                                  asked=True)),
        Field('version', 'version', 'The version of the application', required=True, sent=True, asked=True),
        Field('build_date', 'build_date', 'Build date of the package  [default: <now>]'),
        Field('description', 'desc', 'Description of the package'),
        Field('pre_release', 'pre_release', 'Whether the package is a preview of a release', type=bool),
    ),
    columns=(('APP REVISION', 'revision'), ('VERSION', 'version'), ('NAME', 'name'),
             ('RELEASE NAME', 'release'), ('PACKAGE ID', '_id')),
)

EXTENSION = PackageType(
    label='extension',
    noun='extension',
    identity=('baseName', 'os', 'arch', 'app_revision'),
    app_revision='app_revision',
    release_filter='release_id',
    fields=(
        *_shared('extension', Field('revision', 'revision', 'Revision of the extension', required=True, sent=True,
                                    default='0.0.1')),
        Field('app_revision', 'app_revision', 'Revision of the application', required=True, sent=True, asked=True),
        Field('description', 'desc', 'Description of the extension', sent=True),
        Field('icon_url', 'icon_url', "URL of the extension's logo", address=True),
        Field('category', 'category', 'Category of the extension'),
        Field('tier', 'tier', 'Support level, higher is better: 1 experimental, 3 community-supported, 5 supported by '
              'Slicer core developers', type=int),
        Field('homepage', 'homepage', 'URL of the extension homepage', address=True),
        Field('screenshots', 'screenshots', 'URLs of screenshots of the extension, separated by spaces',
              names=True, address=True),
        Field('contributors', 'contributors', 'Contributors of the extension'),
        Field('dependency', 'dependency', 'Extensions that this one requires, separated by spaces', names=True),
        Field('recommends', 'recommends', 'Extensions that are recommended with this one, separated by spaces',
              names=True),
        Field('license', 'license', 'Short name of the license'),
        Field('development_status', 'development_status', 'How mature the extension is, in free words'),
        Field('enabled', 'enabled', 'Whether the extension is enabled after its installation', type=bool),
        Field('dicom_support_rule', 'dicom_support_rule',
              'Rule engine expression to determine the DICOM support level'),
        Field('keywords', 'keywords', 'Words that help to find the extension, separated by spaces'),
    ),
    columns=(('REVISION', 'revision'), ('NAME', 'name'), ('RELEASE NAME', 'release'),
             ('APP REVISION', 'app_revision'), ('EXTENSION ID', '_id')),
)

PACKAGE_TYPES = (PACKAGE, EXTENSION)
