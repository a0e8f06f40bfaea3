"""Made-up extensions whose texts are as long, and compress as well, as those of the published extensions of 3D Slicer.

There the median description has 120 characters, a few have over 1000; contributors have 90, icons 90, screenshots
110, homepages 55 and repositories 50 (of 188 extensions, in 2026).
"""
from __future__ import annotations

import functools
import random

#: Operating systems with the architecture that they are measured with.
SYSTEMS = (('linux', 'amd64'), ('win', 'amd64'), ('macosx', 'arm64'))
#: Words that some of the descriptions have, for searches.
WORDS = ('segmentation', 'registration', 'landmark', 'diffusion', 'ultrasound', 'robot', 'dose', 'vessel')
_COMMON = """
a about add algorithm allows analysis and are as atlas automatic based be bone brain by can cardiac catheter client
compute computed convert create data deep device dental dicom displacement display distance evaluate export extension
field files filter for from function generate graph guided image images import in includes integration interface into
is it learning library load localization manual map medical mesh method methods model models module modules MRI
multiple needle network new of on open or packages parameters patient PET planning plugin point points provides quantify
radiomics region research results scenes scripted series server several shape simple simulate skeleton software spatial
statistics streaming support surface surgical table test that the therapy this thresholding time to tools tracking
training transform tumor update use used user using vector viewer visualization volume volumes which with workflow
"""
_SYLLABLES = ('an ar bel ca cor da den do el fa fer ga gi ha in ka kel la len lo ma mi '
              'mor na ni no or pa per ra ri ro sa sen si so ta tel ti to va ven vi wa xi ya zo')
_CATEGORIES = ('Segmentation', 'IGT', 'Quantification', 'Informatics', 'Utilities', 'Developer Tools', 'Registration',
               'Shape Analysis', 'Diffusion', 'Radiotherapy', 'Neuroimaging', 'Filtering')


@functools.cache
def metadata(number):
    """What the extension ``number`` says of itself, the same every time; without system and revisions."""
    chance = random.Random(number)
    owner, name = _name(chance, 4), f'Slicer{_name(chance, 3)}{number}'
    repository = f'https://github.com/{owner}/{name}'
    raw = f'https://raw.githubusercontent.com/{owner}/{name}/{chance.choice(("main", "master"))}'
    pictures = chance.choice((0, 0, 1, 1, 1, 1, 2, 2, 3, 6))
    return {
        'baseName': name, 'repository_type': 'git', 'repository_url': f'{repository}.git',
        'revision': f'{chance.getrandbits(28):07x}', 'category': chance.choice(_CATEGORIES),
        'description': _description(chance), 'homepage': f'https://{owner}.github.io/{name}/{_name(chance, 3)}.html',
        'icon_url': f'{raw}/{_name(chance, 3)}/{name}.png',
        'screenshots': ' '.join(f'{raw}/Screenshots/{_name(chance, 4)}{one}.png' for one in range(pictures)),
        'contributors': ', '.join(_contributor(chance) for _ in range(chance.choice((1, 2, 2, 2, 3, 5)))),
        'tier': chance.choice((1, 1, 1, 3, 5)),
    }


def _name(chance, syllables):
    return ''.join(chance.choices(_SYLLABLES.split(), k=syllables)).capitalize()


def _contributor(chance):
    return f'{_name(chance, 2)} {_name(chance, 4)} (University of {_name(chance, 4)})'


def _description(chance):
    length = chance.choice((9, 12, 15, 17, 18, 19, 20, 24, 30, 40, 60, 120))
    words = [*chance.choices(_COMMON.split(), k=length), chance.choice(WORDS)]
    chance.shuffle(words)
    return ' '.join(words).capitalize() + '.'


def form(number, system, revision):
    """The form with which a build machine posts the extension ``number`` for ``system`` and ``revision``."""
    name, arch = system
    return {**{key: value for key, value in metadata(number).items() if value != ''},
            'os': name, 'arch': arch, 'app_revision': revision}


def package_form(system, revision):
    """The form with which a build machine posts the installer of ``revision``."""
    name, arch = system
    return {'os': name, 'arch': arch, 'baseName': 'Slicer', 'repository_type': 'git',
            'repository_url': 'https://github.com/Slicer/Slicer.git', 'revision': revision, 'version': '5.9.0',
            'build_date': '2026-11-01T04:00:00+00:00'}
