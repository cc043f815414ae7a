"""A test before it is written down: steps, and how the last one must end. Two styles of writing it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from qms_mcp.services.sql_tests.convention import prelude_text
from qms_mcp.services.sql_tests.facts import literal

Style: TypeAlias = Literal["plain", "pgtap"]


@dataclass(frozen=True, slots=True)
class Become:
    """From here on, somebody else acts."""

    who: str
    role: str = "qms_app"

    @property
    def call(self) -> str:
        """Return the call."""
        role = "" if self.role == "qms_app" or self.who == "owner" else f", {literal(self.role)}"
        return f"pg_temp.become({literal(self.who)}{role})"


@dataclass(frozen=True, slots=True)
class Run:
    """A statement that has to work, or, as the last one of a test that expects an error, to fail."""

    statement: str


@dataclass(frozen=True, slots=True)
class Verify:
    """A condition that has to be true."""

    condition: str
    message: str


Step: TypeAlias = "Become | Run | Verify"


@dataclass(frozen=True, slots=True)
class Proof:
    """A test.

    Attributes:
        name: What it shows.
        steps: What is done, in this order.
        state: The SQLSTATE with which the last step must fail; empty when all must work.
        part: What the message must contain.
        cleanup: What undoes it, where tests are not rolled back one by one.
        skip: Why it can't be written.
    """

    name: str
    steps: Sequence[Step] = ()
    state: str = ""
    part: str = ""
    cleanup: Sequence[str] = field(default_factory=list[str])
    skip: str = ""


def write(table: str, setup: Sequence[Step], proofs: Sequence[Proof], style: Style) -> str:
    """Return the script."""
    lines = _plain(setup, proofs) if style == "plain" else _pgtap(setup, proofs)
    head = [
        f"-- Tests of {table}, made from its constraints, policies, triggers and rights.",
        "-- Run them with: qms-mcp test-sql FILE. Nothing of them stays in the database.",
    ]
    return "\n".join([*head, *lines]).rstrip() + "\n"


def _plain(setup: Sequence[Step], proofs: Sequence[Proof]) -> Iterator[str]:
    if setup:
        yield "\n-- Rows of other tables that the rows under test refer to."
        yield from map(_plain_step, setup)
    for proof in proofs:
        yield f"\n-- test: {proof.name}"
        if proof.skip:
            yield f"-- skip: {proof.skip}"
            continue
        if proof.state:
            yield f"-- expect: {proof.state} {proof.part}".rstrip()
        yield from map(_plain_step, proof.steps)


def _plain_step(step: Step) -> str:
    if isinstance(step, Become):
        return f"SELECT {step.call};"
    if isinstance(step, Run):
        return f"{step.statement};"
    return f"SELECT pg_temp.verify({step.condition}, {literal(step.message)});"


def _pgtap(setup: Sequence[Step], proofs: Sequence[Proof]) -> Iterator[str]:
    written = [proof for proof in proofs if not proof.skip]
    count = sum(1 if proof.state else sum(isinstance(s, Verify) for s in proof.steps) for proof in written)
    yield "\nBEGIN;"
    yield "\n".join(line for line in prelude_text().splitlines() if line.strip())
    yield f"\nSELECT plan({count});"
    yield from map(_tap_step, setup)
    for proof in proofs:
        if proof.skip:
            yield f"\n-- {proof.name}: {proof.skip}"
            continue
        yield f"\n-- {proof.name}"
        yield from _tap_proof(proof)
    yield f"\nSELECT {Become('owner').call};"
    yield "SELECT * FROM finish();\nROLLBACK;"


def _tap_proof(proof: Proof) -> Iterator[str]:
    steps = list(proof.steps)
    if proof.state:
        last = steps.pop()
        statement = last.statement if isinstance(last, Run) else ""
        state = "NULL::char(5)" if proof.state == "error" else literal(proof.state)
        yield from map(_tap_step, steps)
        yield f"SELECT throws_ok($t${statement}$t$, {state}, NULL, {literal(proof.name)});"
    else:
        yield from map(_tap_step, steps)
    if proof.cleanup:
        yield _tap_step(Become("owner"))
        yield from (f"{statement};" for statement in proof.cleanup)


def _tap_step(step: Step) -> str:
    if isinstance(step, Become):
        return f"SELECT {step.call};"
    if isinstance(step, Run):
        return f"{step.statement};"
    return f"SELECT ok({step.condition}, {literal(step.message)});"
