"""The downloads that MIDAS counted: for each item without days, and perhaps one row for each with its moment."""
from __future__ import annotations

from collections import Counter
from typing import Any

from slicer_package_manager.migration.midas.plan import Entry, Plan
from slicer_package_manager.migration.rules import texts
from slicer_package_manager.registry.downloads.counts import UNDATED
from slicer_package_manager.registry.midas.numbers import Kind
from slicer_package_manager.registry.schema.fields import ARCHITECTURES, EXTENSION, OPERATING_SYSTEMS, PACKAGE
from slicer_package_manager.registry.schema.types import Document


def of_plan(plan: Plan, layout: dict[Any, Document]) -> Counter[tuple[Any, ...]]:
    """Return the downloads by the values of their keys, the day last.

    What MIDAS counted for an item and has no day for is the undated rest. It is never negative: MIDAS lost counts.

    :param layout: the folders of the application as they are here, by id.
    """
    found: Counter[tuple[Any, ...]] = Counter()
    for item_id in plan.items():
        entry = plan.entries_of(item_id)[0]
        key = _key(entry, layout) if not entry.aside else None
        if key is None:
            continue
        dated = plan.data.downloads_by_day.get(item_id, Counter())
        rest = plan.data.items[item_id].downloads - dated.total()
        for day, number in {**dated, UNDATED: max(rest, 0)}.items():
            values = (*key, day)
            found[values] += number
    return +found  # without zeros


def _key(entry: Entry, layout: dict[Any, Document]) -> tuple[Any, ...] | None:
    meta = entry.metadata
    package_type = EXTENSION if entry.kind is Kind.EXTENSION else PACKAGE
    os, arch = texts.system(meta['os']), texts.architecture(meta['arch'])
    place = layout.get(entry.folder, {}).get('spm')
    if os not in OPERATING_SYSTEMS or arch not in ARCHITECTURES or not meta['baseName'] or not place:
        return None
    return (package_type.label, meta[package_type.app_revision], meta['baseName'], os, arch, place['release'])
