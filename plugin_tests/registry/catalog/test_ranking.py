"""Search in the order of relevance finds what people look for, in the real catalog and in made-up entries."""
import random
import re

import pytest

from plugin_tests.site import EXTENSIONS
from slicer_package_manager.registry.catalog.ranking import Index, initials, joined, words
from slicer_package_manager.registry.catalog.synonyms import SYNONYMS

#: What people may type, with the extension that they want first.
QUESTIONS = """
rt: SlicerRT
elastix: SlicerElastix
slicer elastix: SlicerElastix
Elastiks: SlicerElastix
totalsegmentater: TotalSegmentator
total segmentator: TotalSegmentator
total-segmentator: TotalSegmentator
volume rendering: SlicerPRISMRendering
igt: SlicerIGT
open igt link: SlicerOpenIGTLink
openigtlink: SlicerOpenIGTLink
ants: SlicerANTs
vmtk: SlicerVMTK
heart: SlicerHeart
morph: SlicerMorph
jupiter: SlicerJupyter
radiomics: SlicerRadiomics
monai label: MONAILabel
virtual reality: SlicerVirtualReality
vr: SlicerVirtualReality
skull strip: SkullStripper
swiss skull: SwissSkullStripper
brain extraction: HDBrainExtraction
hd-bet: HDBrainExtraction
nn-unet: NNUNet
pet dicom: PETDICOMExtension
dicom web browser: DICOMwebBrowser
tractography: UKFTractography
dmri: SlicerDMRI
python script editor: ScriptEditor
pytorch: PyTorch
film dosimetry: FilmDosimetryAnalysis
dose volume histogram: SlicerRT
kidney stone: KidneyStoneCalculator
liver: SlicerLiver
lung ct: LungCTAnalyzer
airway: AirwaySegmentation
spharm pdm: SPHARM-PDM
markups to model: MarkupsToModel
extra effects: SegmentEditorExtraEffects
sam: SegmentWithSAM
free surfer: SlicerFreeSurfer
tcia: TCIABrowser
prostate: SlicerProstate
mp review: mpReview
perk tutor: PerkTutor
translation: LanguagePacks
anonymise: SlicerBatchAnonymize
tooth: CBCTToothSegmentation
chest imaging platform: Chest_Imaging_Platform
cip: Chest_Imaging_Platform
hologram: SlicerLookingGlass
matlab: MatlabBridge
bezier: SurfaceMarkup
BÉZIER: SurfaceMarkup
wrap solidify: SurfaceWrapSolidify
case iterator: SlicerCaseIterator
t1 mapping: T1Mapping
deep brain stimulation: SlicerNetstim
port placement: PortPlacement
fiducial distance: FiducialsToModelDistance
orthodontics: OrthodonticAnalysis
pacs: SlicerNeuropacs
scoliosis: Scoliosis
muscle: MuscleMap
kidney: KidneyStoneCalculator
xnat: XNATSlicer
tracking error: TrackingErrorInspector
mouse cursor: SlicerVirtualMouseCursor
arduino: ArduinoController
lesion simulation: LesionSimulator
osteotomy: OsteotomyPlanner
orbital surgery: SlicerOrbitSurgerySim
dental segmentation: DentalSegmentator
themes: SlicerThemes
cardiac: SlicerHeart
renal: KidneyStoneCalculator
pulmonary: DensityLungSegmentation
dvh: SlicerRT
jaw: BoneReconstructionPlanner
eye: SlicerOrbitSurgerySim
"""
NAMES = [one['name'] for one in EXTENSIONS]


@pytest.fixture(scope='module')
def catalog():
    """What a search finds among the real extensions: names, the most relevant first."""
    index = Index([{**one, 'baseName': one['name']} for one in EXTENSIONS])
    return lambda query: [NAMES[place] for place in index.ranked(query)]


def found(query, *documents):
    return [documents[place]['baseName'] for place in Index(documents).ranked(query)]


def extension(name, **values):
    return {'baseName': name, **values}


@pytest.mark.parametrize('question', QUESTIONS.strip().splitlines())
def test_what_people_want_comes_first(catalog, question):
    query, wanted = question.split(': ')
    assert catalog(query)[:1] == [wanted]


def test_there_are_enough_questions():
    assert len(QUESTIONS.strip().splitlines()) >= 60


@pytest.mark.parametrize('spelled', [
    str.lower, str.upper, lambda name: re.sub('(?<=[a-z])(?=[A-Z])|[_-]', ' ', name),
    lambda name: re.sub('^Slicer|Extension$', '', name)], ids=['lower', 'upper', 'with spaces', 'without common parts'])
def test_every_name_finds_its_extension(catalog, spelled):
    assert [name for name in NAMES if catalog(spelled(name))[:1] != [name]] == []


def mistyped(name, how, choose):
    place = choose.randrange(1, len(name) - 1)
    before, letter, after = name[:place], name[place], name[place + 1:]
    return {'missing': before + after, 'doubled': before + letter * 2 + after,
            'swapped': before + after[:1] + letter + after[1:],
            'other': f'{before}{choose.choice("aeinrst")}{after}'}[how]


@pytest.mark.parametrize('how', ['missing', 'doubled', 'swapped', 'other'])
def test_a_name_with_a_typing_error_finds_its_extension(catalog, how):
    choose = random.Random(how)
    asked = {name: mistyped(name.lower(), how, choose) for name in NAMES[::2] if len(name) > 8}
    assert len(asked) > 100
    assert [(name, query) for name, query in asked.items() if catalog(query)[:1] != [name]] == []


def test_fields_count_in_their_order():
    documents = [extension('A', contributors='Needle Example'), extension('B', description='for a needle'),
                 extension('C', category='Needle'), extension('D', keywords='needle'), extension('NeedleTools'),
                 extension('SlicerNeedle'), extension('Needle')]
    assert found('needle', *documents) == ['Needle', 'SlicerNeedle', 'NeedleTools', 'D', 'C', 'B', 'A']


def test_equally_relevant_ones_keep_their_order():
    assert found('x', *(extension(name, category='x') for name in 'cab')) == ['c', 'a', 'b']


def test_words_match_better_the_more_equal_they_are():
    documents = [extension(f'E{number}', description=text) for number, text in enumerate((
        'resegment', 'segmental', 'segmentation', 'segment', 'sgement'))]
    assert found('segment', *documents) == ['E3', 'E2', 'E1', 'E0']
    assert found('segmant', *documents[2:]) == ['E3', 'E2']


def test_a_word_inside_of_a_name_counts_less_than_the_beginning_of_one_in_a_text():
    documents = [extension('ImplantPlanner', description='screws'), extension('A', description='plantar fascia'),
                 extension('B', keywords='plants'), extension('C', description='a plant')]
    assert found('plant', *documents) == ['B', 'C', 'A', 'ImplantPlanner']
    assert found('plant', documents[0]) == ['ImplantPlanner']


def test_the_end_of_a_compound_counts_more_than_a_typing_error():
    documents = [extension('ViewPacks'), extension('NeuroArchive', description='neuropacs'), extension('Neuropacs')]
    assert found('pacs', *documents) == ['Neuropacs', 'ViewPacks', 'NeuroArchive']


def test_three_letters_inside_of_a_word_are_no_match():
    documents = [extension('HeartTools', description='research'), extension('Linear')]
    assert found('ear', *documents) == ['Linear']


def test_a_synonym_counts_less_than_the_word_itself():
    documents = [extension('A', description='renal tumor'), extension('B', description='kidneys'), extension('C')]
    assert found('kidney', *documents) == ['B', 'A']
    assert found('renal', *documents) == ['A', 'B']


def test_an_abbreviation_finds_what_has_all_the_words_that_it_stands_for():
    documents = [extension('A', description='dose and volume'), extension('B', description='histogram of dose, volume')]
    assert found('dvh', *documents) == ['B']


def test_a_term_with_synonyms_is_no_typing_error():
    index = Index([extension('A', description='real-time tracking'), extension('B', description='kidney')])
    assert (index.ranked('renal'), index.suggestion('renal')) == ([1], '')
    assert index.suggestion('kidnay') == 'kidney'


def test_each_term_finds_the_others_of_its_line():
    assert SYNONYMS['hepatic'] == [('liver',)]
    assert SYNONYMS['mri'] == [('magnetic', 'resonance')]
    assert 'magnetic' not in SYNONYMS
    words_of_terms = [*SYNONYMS, *(word for terms in SYNONYMS.values() for term in terms for word in term)]
    assert [word for word in words_of_terms if words(word) != {word}] == []


def test_two_typing_errors_are_not_at_the_beginning():
    assert found('rtstruct', extension('A', description='struct')) == []
    assert found('struxtyres', extension('A', description='structures')) == ['A']


def test_a_name_with_the_less_rare_word_is_found():
    documents = [extension('LungTools'), extension('A', description='nodule'),
                 *(extension(f'C{number}', description='brain') for number in range(20)),
                 *(extension(f'D{number}', description='lung') for number in range(2))]
    assert found('lung nodule', *documents)[0] == 'LungTools'


def test_rare_words_count_more():
    documents = [extension('A', description='medical analysis'), extension('B', description='colocalization'),
                 *(extension(f'C{number}', description='medical') for number in range(9))]
    assert found('medical colocalization', *documents)[0] == 'B'


def test_an_extension_that_lacks_a_word_counts_less():
    documents = [extension('LiverTools'), extension('A', keywords='liver planning'),
                 *(extension(f'C{number}', description='planning') for number in range(5))]
    assert found('liver planning', *documents) == ['A', 'LiverTools']
    assert found('liver', *documents) == ['LiverTools', 'A']


def test_an_extension_that_has_only_the_common_words_is_not_found():
    documents = [extension('A', description='colocalization'),
                 *(extension(f'PlanningTool{number}') for number in range(5))]
    assert found('colocalization planning', *documents) == ['A']


def test_beside_a_name_that_matches_wholly_those_that_lack_a_word_are_not_found():
    documents = [extension('FilmDosimetry'), extension('A', description='film'),
                 *(extension(f'C{number}', description='dosimetry') for number in range(5))]
    assert found('film dosimetry', *documents) == ['FilmDosimetry']


def test_a_word_that_no_extension_has_hides_nothing(catalog):
    assert 'SlicerLiver' in catalog('liver xyzzyq')
    assert catalog('xyzzyq qyzzyx') == []


@pytest.mark.parametrize(('query', 'meant'), [
    ('totalsegmentater', 'TotalSegmentator'), ('Total Segmentater', 'TotalSegmentator'), ('jupiter', 'jupyter'),
    ('elastiks', 'elastix'), ('bone recontruction planer', 'BoneReconstructionPlanner'), ('bezeir', 'bezier'),
    ('registraton of lungs', 'registration of lungs'), ('hart', 'heart'), ('dicm', 'dicom'), ('BÉZEIR', 'bezier'),
    # What occurs as it is, also in part or in another form, and what is close to nothing.
    ('proton', ''), ('cortical thickness', ''), ('screen capture', ''), ('dark mode', ''), ('denoise', ''),
    ('elastix', ''), ('segmentations', ''), ('regist', ''), ('how to segment', ''), ('zzzzzzzz', ''), ('vr', ''),
    ('', ''), ('-', ''), ('xzq', '')])
def test_a_word_that_is_nowhere_has_the_closest_one_suggested(catalog, query, meant):
    index = Index([{**one, 'baseName': one['name']} for one in EXTENSIONS])
    assert index.suggestion(query) == meant
    assert not meant or catalog(meant)


def test_of_equally_close_words_the_more_frequent_one_is_suggested():
    documents = [extension('A', description='renal reader'), *(extension(f'B{one}', keywords='real') for one in '12')]
    assert Index(documents).suggestion('renl') == 'real'
    assert Index(documents[:1]).suggestion('renl') == 'renal'
    assert Index([]).suggestion('reax') == ''


def test_words_without_a_meaning_do_not_matter(catalog):
    assert catalog('how to register images') == catalog('register images') != []
    assert found('the', extension('Other', description='the'), extension('B')) == ['Other']


def test_a_part_of_a_word_is_not_related_to_it():
    assert found('slicermorf', extension('SlicerMorph'), extension('SlicerHeart')) == ['SlicerMorph']


def test_markup_and_accents_do_not_matter():
    documents = [extension('A', description='a <b>Bé</b>zier &eacute;tude'),
                 extension('B', description='<a href="x">y</a>')]
    assert found('etude', *documents) == ['A']
    assert found('href', *documents) == []
    assert found('e\u0301tude', *documents) == ['A']


@pytest.mark.parametrize('query', ['', ' ', '-', '<>', '\U0001f600', 'zzzzzz', 'zz'])
def test_what_is_nowhere_finds_nothing(query):
    assert found(query, extension('A', description='text'), extension('')) == []


def test_without_extensions_nothing_is_found():
    assert found('needle') == []


@pytest.mark.parametrize(('name', 'parts'), [
    ('SlicerOpenIGTLink', {'sliceropenigtlink', 'slicer', 'open', 'igt', 'link'}),
    ('PET-MUST-Segmenter', {'petmustsegmenter', 'pet', 'must', 'segmenter'}),
    ('T1_ECVMapping', {'t1ecvmapping', 't1', 'ecvmapping', 'ecv', 'mapping', 't', '1'}),
    ('Q3DC', {'q3dc', 'q', '3dc'}), ('mpReview', {'mpreview', 'mp', 'review'}), ('日本語', {'日本語'}), ('', set())])
def test_a_name_has_its_parts(name, parts):
    assert words(name, is_name=True) == parts


def test_names_are_joined_and_abbreviated():
    assert joined('Total-Segmentator 2') == 'totalsegmentator2'
    assert initials('SlicerVirtualReality') == ['vr']
    assert initials('Elastix') == initials('SlicerElastix') == []
