"""What happens in a company that makes precision parts: patterns the records are made from.

`{part}`, `{lot}`, `{machine}`, `{supplier}`, `{customer}`, `{area}`, `{number}` and `{count}` are filled in.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """A kind of thing that happens.

    Attributes:
        weight: How often, compared with the others of its category.
        cause_category: man, machine, material, method, measurement or environment.
    """

    title: str
    description: str
    cause_category: str
    root_cause: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Category:
    """A type of record: how many, the states of its workflow on the way to the end, and what they are about."""

    name: str
    count: int
    states: tuple[str, ...]
    days_to_close: int
    events: tuple[Event, ...]


NONCONFORMANCES = (
    Event(
        "Outer diameter below lower limit on {part}, lot {lot}",
        "In-process check on {machine} found {count} pieces 0.0{number} mm under the lower limit. Lot held in {area}.",
        "machine", "Tool wear offset was not updated after the insert change", 9,
    ),
    Event(
        "Burr at cross hole of {part}, lot {lot}",
        "Visual inspection at 10x found burrs on {count} pieces after deburring. Parts separated and tagged.",
        "method", "Work instruction gives no brush change interval", 6,
    ),
    Event(
        "Certificate missing for delivery from {supplier}",
        "Material for {part} arrived without a certificate for lot {lot}. Delivery placed in quarantine.",
        "material", "Purchase order did not ask for the certificate", 5,
    ),
    Event(
        "Surface discolouration on {part} after passivation, lot {lot}",
        "{count} pieces show brown spots. Bath titration was {number} points off its target the same morning.",
        "machine", "Bath concentration drifted between two titrations", 5,
    ),
    Event(
        "Wrong revision of the drawing used for {part}",
        "Operator in {area} worked from a printed drawing one revision behind. {count} pieces made, lot {lot}.",
        "man", "Printed copies were not withdrawn when the revision changed", 4,
    ),
    Event(
        "Hardness out of specification, {part}, lot {lot}",
        "Three readings above the upper limit on material from {supplier}. {count} pieces affected.",
        "material", "Heat treatment of the bar was changed by the supplier without notice", 4,
    ),
    Event(
        "Laser mark unreadable on {part}, lot {lot}",
        "The code cannot be read after cleaning on {count} pieces. Marking parameters were as released.",
        "method", "Marking depth was validated before the cleaning process was changed", 3,
    ),
    Event(
        "Thread gauge past its calibration date used on {part}",
        "Gauge G-{number}{count} was {number} days overdue when lot {lot} was released from {area}.",
        "measurement", "The recall list left out gauges lent to another area", 4,
    ),
    Event(
        "Mixed lots in one container of {part}",
        "Count at {area} did not match the traveller: {count} pieces of a neighbouring lot were found in {lot}.",
        "man", "Line clearance was skipped at the change of shift", 2,
    ),
    Event(
        "Particle count above limit in {area}",
        "Monitoring showed a count {number} times the alert level while {part}, lot {lot}, was being packed.",
        "environment", "Filter differential pressure alarm had been silenced", 2,
    ),
)  # fmt: skip

DEVIATIONS = (
    Event(
        "{part}, lot {lot} run on {machine} instead of the validated machine",
        "The validated machine was down for maintenance. The deviation was approved for this lot only.",
        "machine", "No second machine is qualified for this part", 4,
    ),
    Event(
        "Cleaning cycle shortened for lot {lot} of {part}",
        "The cycle ended {number} minutes early because of a power dip. Residue test repeated.",
        "environment", "The line does not record an interrupted cycle", 3,
    ),
    Event(
        "In-process check of {part} left out once on lot {lot}",
        "The {number} o'clock check was not done. All {count} pieces since the last good check were inspected.",
        "man", "One operator covered two machines during a shortage", 4,
    ),
    Event(
        "Temperature of the storage area above its range",
        "The logger in {area} showed {number} hours above the range. {part}, lot {lot}, was in store.",
        "environment", "Door seal was damaged", 2,
    ),
)  # fmt: skip

COMPLAINTS = (
    Event(
        "{customer}: {part} does not mate with its counterpart",
        "Reported from use, lot {lot}, {count} pieces returned. No harm to a person. Returned parts under examination.",
        "machine", "Tool wear offset was not updated after the insert change", 5,
    ),
    Event(
        "{customer}: packaging of {part} open on arrival",
        "Seal was open on {count} pouches of lot {lot}. Delivery replaced.",
        "method", "Sealing temperature window was too wide", 4,
    ),
    Event(
        "{customer}: label on {part} shows the wrong lot",
        "Label says another lot than the mark on the part, lot {lot}. {count} pieces traced.",
        "man", "Line clearance was skipped at the change of shift", 2,
    ),
    Event(
        "{customer}: surface of {part} scratched",
        "{count} pieces of lot {lot} scratched below the tray rib. Photographs received.",
        "method", "Tray does not hold the part at its collar", 3,
    ),
    Event(
        "{customer}: delivery of {part} late for the {number}th time",
        "The customer asks for a plan. Lot {lot} was held by an open nonconformance.",
        "method", "Held lots are not visible to planning", 2,
    ),
)  # fmt: skip

CAPAS = (
    Event(
        "Tool wear compensation on {machine} is not controlled",
        "Several lots of {part} out of tolerance for the same reason, last {lot}. Correction done, cause under action.",
        "machine", "Tool wear offset was not updated after the insert change", 4,
    ),
    Event(
        "Supplier {supplier} changes its process without notice",
        "Repeated findings on incoming material for {part}. Agreement on notice of change to be renewed.",
        "material", "Quality agreement does not name the process steps", 3,
    ),
    Event(
        "Uncontrolled printed drawings in {area}",
        "Old revisions keep turning up, last with {part}, lot {lot}. Printing on the floor to be replaced.",
        "man", "Printed copies were not withdrawn when the revision changed", 2,
    ),
    Event(
        "Calibration recall misses gauges that are lent out",
        "{count} gauges were in use past their date in {area}. Recall to follow the gauge and not the list.",
        "measurement", "The recall list left out gauges lent to another area", 2,
    ),
    Event(
        "Line clearance between lots is not effective",
        "Mixed lots and wrong labels share one cause. {part}, lot {lot}, is the {number}th case.",
        "man", "Line clearance was skipped at the change of shift", 2,
    ),
    Event(
        "Bath control on {machine} relies on one titration a day",
        "Drift between titrations led to rejects of {part}. Continuous measurement to be introduced.",
        "machine", "Bath concentration drifted between two titrations", 2,
    ),
)  # fmt: skip

CHANGE_REQUESTS = (
    Event(
        "Qualify {machine} as second machine for {part}",
        "Removes the single point of failure behind {number} deviations. Needs installation and process qualification.",
        "machine", "", 3,
    ),
    Event(
        "New supplier for material of {part}",
        "{supplier} to be qualified as second source. First article inspection and biocompatibility review needed.",
        "material", "", 2,
    ),
    Event(
        "Change of the marking depth on {part}",
        "Marks have to survive cleaning. Affects the device file, the drawing and the validation of the marker.",
        "method", "", 2,
    ),
    Event(
        "Digital work instructions in {area}",
        "Tablets instead of printed drawings. Needs validation of the software and training of {count} people.",
        "man", "", 2,
    ),
)  # fmt: skip

DOCUMENTS = (
    Event("SOP: control of nonconforming product", "How product is held, judged and released.", "method", "", 1),
    Event(
        "SOP: corrective and preventive action", "From the cause to the check that the action worked.", "method", "", 1
    ),
    Event(
        "SOP: complaint handling and reporting",
        "Who decides within which time what has to be reported.",
        "method",
        "",
        1,
    ),
    Event("WI: set-up of {machine}", "Set-up, first piece, offsets and their limits.", "method", "", 4),
    Event("WI: final inspection of {part}", "Characteristics, gauges and sample sizes.", "method", "", 5),
    Event("Form: traveller for {part}", "Record of the steps, the checks and the people.", "method", "", 3),
    Event("SOP: line clearance in {area}", "What has to be gone before the next lot begins.", "method", "", 2),
    Event("Plan: validation of {machine}", "What is shown, with which samples and limits.", "method", "", 2),
)

AUDITS = (
    Event(
        "Internal audit: {area}",
        "Process audit with {number} findings. Records, people and places were seen.",
        "method",
        "",
        4,
    ),
    Event(
        "Supplier audit: {supplier}",
        "Audit on site with {number} findings; response asked for in 30 days.",
        "material",
        "",
        2,
    ),
    Event("Surveillance audit by the certification body", "Two days, {number} minor findings.", "method", "", 1),
)

CATEGORIES = (
    Category(
        "nonconformance", 112,
        ("open", "contained", "under_review", "dispositioned", "verified", "closed"), 35, NONCONFORMANCES,
    ),
    Category(
        "deviation", 38, ("open", "assessed", "investigated", "dispositioned", "approved", "closed"), 21, DEVIATIONS
    ),
    Category(
        "complaint", 46, ("received", "triage", "reportability", "investigation", "response", "closed"), 30, COMPLAINTS
    ),
    Category(
        "capa", 38,
        (
            "draft", "open", "investigation", "plan_approval", "implementation", "verification", "effectiveness",
            "closed",
        ),
        120, CAPAS,
    ),
    Category(
        "change_request", 28,
        ("draft", "impact_assessment", "approved", "implementing", "verification", "closed"), 75, CHANGE_REQUESTS,
    ),
    Category("document", 42, ("draft", "in_review", "approved", "effective"), 30, DOCUMENTS),
    Category("audit", 14, ("planned", "in_progress", "report", "findings_open", "closed"), 45, AUDITS),
)  # fmt: skip
