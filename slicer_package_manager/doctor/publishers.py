"""Checks of publishers, which upload without a stored secret."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from girder.exceptions import ValidationException
from girder.models.setting import Setting
from girder.settings import SettingKey

from slicer_package_manager.doctor.findings import WARNING, Finding, Options
from slicer_package_manager.registry.accounts import publishers


def unusable(_options: Options) -> Iterator[Finding]:
    """Publishers that cannot upload."""
    known = publishers.count()
    if known and not Setting().get(SettingKey.SERVER_ROOT):
        yield Finding(WARNING, f'{SettingKey.SERVER_ROOT} is not set, so that none of the {known} publishers can '
                               'upload: ID tokens must name the address of the server.',
                      'Set it to the address, such as https://slicer-packages.example.org.')
    with suppress(ValidationException):  # an invalid setting, which the check of settings reports
        for one, reason in publishers.unusable():
            yield Finding(WARNING, f'The publisher {one.id} ({one.repository}) of the application {one.app} cannot '
                                   f'upload: {reason}.',
                          f'Correct that, or remove it: slicer-package-manager publisher remove {one.id}')
