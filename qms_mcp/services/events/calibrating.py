"""A calibration: a part of its equipment, and the step that follows from it.

A good one puts the equipment (back) in service until the next is due. One out of tolerance blocks it at once: somebody
has to look at what it measured since it was last known to be good.
"""

from collections.abc import Mapping
from typing import Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.events.deciding import move_on
from qms_mcp.services.events.records import record_of
from qms_mcp.services.records.models import Written
from qms_mcp.services.records.writing import Writing

_LEADS_TO = {"in_tolerance": "in_service", "out_of_tolerance": "out_of_tolerance"}
_LOOK_BACK = (
    "Out of tolerance: supplier_equipment_status lists what was recorded since the last good calibration. Somebody has "
    "to assess it (impact_assessment)."
)


async def calibrate(writing: Writing, fields: Mapping[str, Any], remark: str, because: str) -> Written:
    """Add a calibration to the equipment named in its fields, and move the equipment accordingly.

    Raises:
        InvalidInputError: No equipment is named, or a field does not fit.
        NotFoundError: There is no such equipment.
    """
    given = dict(fields)
    equipment = given.pop("equipment", None)
    if not equipment:
        raise InvalidInputError(
            "A calibration belongs to equipment.",
            hint="fields: equipment (EQP number), performed_on, result, as_found, as_left, certificate, next_due_on.",
        )
    record = await record_of(writing, str(equipment), "equipment")
    await writing.add_part(record.id, "calibrations", given)
    if remark.strip():
        await writing.add_part(record.id, "record_notes", {"body": remark})
    made = await writing.written(record.id)
    stays = await move_on(writing, made, _LEADS_TO[given["result"]], because)
    warnings = [f"It stays {made.state}: {'; '.join(stays)}."] if stays else []
    if given["result"] == "out_of_tolerance":
        warnings.append(_LOOK_BACK)
    return await writing.written(record.id, *warnings)
