"""Two invented companies, so that there is somebody whose records must stay out of sight."""

from dataclasses import dataclass
from uuid import UUID, uuid5

_NAMESPACE = UUID("0b7f4f0a-52f5-5a5e-8a8e-7d1f5b0f6a42")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works there."""

    name: str
    email: str
    roles: tuple[str, ...]

    @property
    def user_id(self) -> UUID:
        """The same id on every machine."""
        return uuid5(_NAMESPACE, self.email)


@dataclass(frozen=True, slots=True)
class Company:
    """A company, with all that its records are made of.

    Attributes:
        scale: How many records it has, as a part of the full set.
        people: The first of them is the quality manager, on whose behalf its records are loaded.
    """

    name: str
    slug: str
    seed: int
    scale: float
    people: tuple[Person, ...]
    parts: tuple[str, ...]
    machines: tuple[str, ...]
    suppliers: tuple[str, ...]
    customers: tuple[str, ...]
    areas: tuple[str, ...]

    @property
    def organization_id(self) -> UUID:
        """The same id on every machine."""
        return uuid5(_NAMESPACE, self.slug)


HALDEN = Company(
    name="Halden Precision Devices",
    slug="halden",
    seed=13485,
    scale=1.0,
    people=(
        Person("Ingrid Solberg", "ingrid.solberg@halden.example", ("owner", "reviewer", "approver", "qa_approver")),
        Person("Tomasz Wilk", "tomasz.wilk@halden.example", ("reporter", "owner")),
        Person("Amara Osei", "amara.osei@halden.example", ("reporter", "owner", "reviewer")),
        Person("Lukas Brandt", "lukas.brandt@halden.example", ("reporter", "owner", "mrb")),
        Person("Priya Raman", "priya.raman@halden.example", ("owner", "regulatory")),
        Person("Elin Dahl", "elin.dahl@halden.example", ("reporter", "owner")),
        Person("Marco Ferri", "marco.ferri@halden.example", ("reporter", "owner", "mrb")),
        Person("Sofia Nyberg", "sofia.nyberg@halden.example", ("auditor",)),
    ),
    parts=(
        "cannulated bone screw 4.5 x 40",
        "locking plate LP-7",
        "drill guide DG-12",
        "depth gauge handle",
        "torque limiter TL-2",
        "trocar sleeve 6 mm",
        "reamer head RH-9",
        "cable crimp CC-3",
        "external fixator clamp",
        "screwdriver shaft T25",
    ),
    machines=("lathe L-03", "lathe L-07", "mill M-02", "mill M-05", "passivation line P-1", "laser marker Z-1"),
    suppliers=("Vestre Bar Stock", "Nordlys Sterilisation", "Keller Packaging", "Brightwater Anodising"),
    customers=("St. Olav clinic", "Rhine Orthopaedics", "Meridian Surgical", "Lakeside Hospital group"),
    areas=("machining", "finishing", "cleaning", "assembly", "packaging", "incoming inspection"),
)

MORROW = Company(
    name="Morrow Castings",
    slug="morrow",
    seed=9001,
    scale=0.7,
    people=(
        Person("Dana Whitlock", "dana.whitlock@morrow.example", ("admin", "owner", "approver", "qa_approver")),
        Person("Hugo Lind", "hugo.lind@morrow.example", ("reporter", "owner")),
        Person("Yara Haddad", "yara.haddad@morrow.example", ("reporter", "owner", "mrb")),
        Person("Ben Achterberg", "ben.achterberg@morrow.example", ("reporter", "owner")),
    ),
    parts=("pump housing PH-40", "impeller IM-8", "valve body VB-16", "bearing cap BC-2", "turbine nozzle ring"),
    machines=("furnace F-1", "furnace F-2", "wax press W-4", "shell line S-1", "grinding cell G-3"),
    suppliers=("Arden Alloys", "Pallas Refractories", "Copperfield Wax"),
    customers=("Tern Pumps", "Oriel Hydraulics", "Castellan Marine"),
    areas=("wax room", "shell line", "foundry", "fettling", "radiography"),
)

COMPANIES = (HALDEN, MORROW)
