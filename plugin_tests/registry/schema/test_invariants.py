"""The invariants between packages, files and bytes, given plain facts."""
import pytest

from slicer_package_manager.registry.schema.invariants import (
    Bytes,
    FileFacts,
    Statement,
    Violation,
    bytes_violation,
    files_of_package,
    package_violations,
)

FIRST, SECOND = FileFacts('a.zip', 'a' * 128, 5), FileFacts('b.zip', 'b' * 128, 7)
REPLACEMENT = SECOND._replace(name='new_file')
TRUE = Statement(True, 'a' * 128, 5)
NO_FILE = Statement(False, '', 0)


@pytest.mark.parametrize(('files', 'stated'), [
    ([], NO_FILE),
    ([FIRST], TRUE),
    ([FIRST, REPLACEMENT], Statement(True, 'a' * 128, 12)),
    ([FileFacts('link.zip', None, None)], Statement(True, '', 0)),
], ids=['no file', 'one file', 'a replacement', 'a link'])
def test_a_package_that_states_what_its_files_are_violates_nothing(files, stated):
    assert package_violations(stated, files_of_package(iter(files))) == set()


@pytest.mark.parametrize(('files', 'stated', 'violations'), [
    ([], TRUE._replace(sha512='', size=0), {Violation.FILE_MISSING}),
    ([FIRST], TRUE._replace(has_file=False), {Violation.FILE_NOT_STATED}),
    ([FIRST], TRUE._replace(sha512=''), {Violation.WRONG_SHA512}),
    ([FIRST], TRUE._replace(size=6), {Violation.WRONG_SIZE}),
    ([FIRST], NO_FILE, {Violation.FILE_NOT_STATED, Violation.WRONG_SHA512, Violation.WRONG_SIZE}),
    ([FIRST, SECOND], TRUE._replace(size=12), {Violation.SEVERAL_FILES}),
    ([REPLACEMENT, SECOND], Statement(True, 'b' * 128, 14), {Violation.SEVERAL_FILES}),
])
def test_each_contradiction_is_named(files, stated, violations):
    assert package_violations(stated, files_of_package(files)) == violations


@pytest.mark.parametrize(('found', 'violation'), [
    (None, Violation.BYTES_MISSING),
    (Bytes(4), Violation.BYTES_OF_OTHER_SIZE),
    (Bytes(5, 'b' * 128), Violation.BYTES_CHANGED),
    (Bytes(5), None),
    (Bytes(None, 'a' * 128), None),
    (Bytes(5, 'a' * 128), None),
])
def test_bytes_have_the_size_and_the_checksum_that_are_stated(found, violation):
    assert bytes_violation(Bytes(5, 'a' * 128), found) == violation
