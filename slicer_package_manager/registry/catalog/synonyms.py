"""Words of medicine and imaging that mean the same, and abbreviations, for the search in the order of relevance.

Authors write ``cardiac``, people search for ``heart``. The table was made for this project from terms in common use.
"""
from __future__ import annotations

#: Terms of one meaning, one line each, in lower case without accents. Words that begin alike, such as ``prostate`` and
#: ``prostatic``, need no line: the search relates them anyway.
_LINES = """
abdomen, belly
acetabulum, femur, hip
ai, artificial intelligence, deep learning, machine learning
airway, bronchus, trachea, windpipe
anonymize, deidentify
ar, augmented reality
bone, osseous
bowel, colon, gut, intestine
brain, cerebral
breast, mammary
cancer, neoplasm, oncology, tumor, tumour
cardiac, heart
cartilage, chondral
cbct, cone beam
cervical, neck
chest, thorax
child, paediatric, pediatric
cochlea, ear
cranial, cranium, skull
ct, computed tomography
dbs, deep brain stimulation
dental, teeth, tooth
dermatology, skin
dti, diffusion tensor
dvh, dose volume histogram
dwi, diffusion weighted
eeg, electroencephalography
eye, ocular, orbit
face, facial
fem, finite element
fetal, fetus, foetal
fiducial, landmark
fmri, functional mri
gastric, stomach
hepatic, liver
histology, pathology
infarct, stroke
jaw, mandible, maxilla
kidney, renal
larynx, throat
lung, pulmonary
magnetic resonance, mri
muscle, muscular
nasal, nose
pet, positron emission
radiation therapy, radiotherapy, rt
radiograph, x ray, xray
scapula, shoulder
sonography, ultrasound
spine, spinal, vertebra
standardized uptake, suv
temporomandibular, tmj
tms, transcranial magnetic stimulation
vascular, vessel
vein, venous
virtual reality, vr
"""


def _table() -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for line in _LINES.strip().splitlines():
        terms = [tuple(term.split()) for term in line.split(',')]
        for term in terms:
            if len(term) == 1:
                found.setdefault(term[0], []).extend(one for one in terms if one != term)
    return found


#: The terms that mean the same as a word. Each is a sequence of words.
SYNONYMS = _table()
