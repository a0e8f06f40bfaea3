from slicer_package_manager.logs.rules import labels


def test_codes_have_names():
    assert [labels.system(one) for one in ('win', 'macosx', 'linux', 'beos')] == ['Windows', 'macOS', 'Linux', 'beos']
    assert [labels.client(one) for one in ('slicer', 'robot', 'x')] == ['Slicer', 'Robot', 'x']
    assert [labels.country(one) for one in ('DE', 'unknown', 'other', 'ZZ')] == [
        'Germany', 'Unknown', 'Other (rare combinations)', 'ZZ']


def test_text_that_is_shown_has_no_control_characters_and_marks_of_direction():
    assert labels.printable('a\0b\nc\u202ed\ud800') == 'a\ufffdb\ufffdc\ufffdd\ufffd'
    assert labels.printable('Größe 体') == 'Größe 体'


def test_long_text_is_cut():
    assert labels.printable('abcdef', 6) == 'abcdef'
    assert labels.printable('abcdefg', 6) == 'abcde…'
