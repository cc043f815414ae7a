"""Everything a statement reaches, also through views, function bodies, aggregates and domains.

Trees are followed breadth first: all trees of one round are read, the catalogue is asked once about what is
new in them, and the views and bodies among it make the next round. A plain query over tables needs two
questions, and none about PostgreSQL's own functions that were met before.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from qms_mcp.db.guard.facts import CheckFact, FunctionFact, RelationFact
from qms_mcp.db.guard.probe import Probe
from qms_mcp.db.guard.reach import SELECT, Purpose, Reach, reach
from qms_mcp.db.guard.rules import (
    depends_on_arguments,
    makes_json,
    too_large,
    why_function_refused,
    why_relation_refused,
    why_target_refused,
)
from qms_mcp.db.guard.tree import TreeError, Value, parse_tree
from qms_mcp.errors import LimitExceededError, RefusedStatementError

_READ_HINT = "Functions of PostgreSQL and of pgvector that only compute may be called; views are followed."
_TABLE_HINT = "list_tables shows what can be read; list_migrations and generate_rls help with row-level security."
_BERNOULLI, _SYSTEM = 3313, 3314
_MAX_ROUNDS = 30


@dataclass(slots=True)
class Surroundings:
    """What is known of a database for a short while, whatever the statement.

    Attributes:
        risky_names: Names that a statement must hold for a literal to run the check of a domain that calls
            something not allowed.
        cast_types: OIDs of the types that hold a value which `to_json` turns into JSON by a cast of its own that
            calls something not allowed.
        functions: Facts about functions, by OID.
        operators: The functions behind operators, by OID.
        relations: Facts about relations, by OID.
        plain_types: OIDs of types of which values can be made without calling anything that is not allowed.
    """

    risky_names: frozenset[str] = frozenset()
    cast_types: frozenset[int] = frozenset()
    functions: dict[int, FunctionFact] = field(default_factory=dict[int, FunctionFact])
    operators: dict[int, int] = field(default_factory=dict[int, int])
    relations: dict[int, RelationFact] = field(default_factory=dict[int, RelationFact])
    plain_types: set[int] = field(default_factory=set[int])


@dataclass(frozen=True, slots=True)
class _Part:
    """A tree still to be followed, and how it was come by."""

    tree: Value
    path: str
    through: tuple[RelationFact, ...] = ()


class Closure:
    """Follows a tree until nothing new is found, and raises at the first thing that is not allowed."""

    def __init__(
        self,
        probe: Probe,
        trusted: frozenset[str],
        surroundings: Surroundings,
        harmless: set[int],
        purpose: Purpose = "read",
    ) -> None:
        self._probe = probe
        self._trusted = trusted
        self._surroundings = surroundings
        self._harmless = harmless
        self._purpose: Purpose = purpose
        self._met_functions: set[int] = set()
        self._met_relations: set[int] = set()
        self._followed: set[tuple[int, tuple[int, ...]]] = set()
        self._types: set[int] = set()
        self._seen_types: set[int] = set()
        self._makes_json = False
        self.command = SELECT
        self.target: str | None = None
        self.makes_xml = False

    @property
    def relation_names(self) -> set[str]:
        """The qualified names of the relations reached."""
        return {self._surroundings.relations[oid].qualified for oid in self._met_relations}

    @property
    def function_names(self) -> set[str]:
        """The functions reached that are not PostgreSQL's own."""
        facts = [self._surroundings.functions[oid] for oid in self._met_functions]
        return {fact.signature for fact in facts if not fact.built_in}

    async def follow(self, tree: Value) -> None:
        """Follow the tree of a statement.

        Raises:
            RefusedStatementError: It reaches something that is not allowed.
            LimitExceededError: It asks for a value that is too large.
        """
        parts = [_Part(tree, "")]
        purpose = self._purpose
        for _ in range(_MAX_ROUNDS):
            found = [(part, reach(part.tree, purpose)) for part in parts]
            for part, reached in found:
                _check_problem(part, reached)
            if purpose == "write":
                self.command = found[0][1].commands[0]
            parts = await self._next_round(found)
            if purpose == "write":
                self._check_target(found[0][1].target)
            purpose = "read"
            if not parts:
                self._surroundings.plain_types |= self._types
                return
        raise RefusedStatementError("Views and functions lead to each other more than 30 times.")

    async def _next_round(self, found: list[tuple[_Part, Reach]]) -> list[_Part]:
        await self._learn([reached for _, reached in found])
        parts: list[_Part] = []
        for part, reached in found:
            self._check_samplers(part, reached)
            self._seen_types |= reached.types | reached.read_types
            self._makes_json = self._makes_json or reached.makes_json
            self.makes_xml = self.makes_xml or _touches_xml(reached, self._surroundings.functions)
            parts += self._through_functions(part, reached)
            parts += self._through_relations(part, reached)
        self._check_casts()
        parts += await self._through_types({kind for _, reached in found for kind in reached.types})
        return parts

    async def _learn(self, found: list[Reach]) -> None:
        """Ask the catalogue about functions and relations not met before."""
        known = self._surroundings
        functions = {oid for reached in found for oid in reached.calls} - self._harmless
        operators = {oid for reached in found for oid in reached.operators}
        relations = {oid for reached in found for oid in reached.relations}
        new_functions, new_operators = functions - known.functions.keys(), operators - known.operators.keys()
        if new_functions or new_operators:
            for fact in await self._probe.functions(new_functions, new_operators):
                known.functions[fact.oid] = fact
                known.operators.update(dict.fromkeys(fact.operator_ids, fact.oid))
        new_relations = relations - known.relations.keys()
        if new_relations:
            for fact in await self._probe.relations(new_relations):
                known.relations[fact.oid] = fact
        if (
            functions - known.functions.keys()
            or operators - known.operators.keys()
            or relations - known.relations.keys()
        ):
            raise RefusedStatementError(
                "The statement reaches something that has just been dropped.", hint="Try again."
            )
        self._met_functions |= functions | {known.operators[oid] for oid in operators}
        self._met_relations |= relations

    def _through_functions(self, part: _Part, reached: Reach) -> list[_Part]:
        parts: list[_Part] = []
        calls_by_function = {self._surroundings.operators[oid]: [] for oid in reached.operators} | reached.calls
        for oid, calls in calls_by_function.items():
            if oid in self._harmless:
                continue
            fact = self._surroundings.functions[oid]
            self._check_function(part, fact, calls)
            if fact.built_in:
                if not depends_on_arguments(fact):
                    self._harmless.add(oid)
            elif fact.extension is None and fact.qualified not in self._trusted:
                parts += self._into(part, fact)
        return parts

    def _check_function(self, part: _Part, fact: FunctionFact, calls: list[list[Value]]) -> None:
        if too_large(fact, calls):
            raise LimitExceededError(f"{fact.name}() asks for too long a value.", hint="Ask for less than 1,000,000.")
        reason = why_function_refused(fact, calls, self._trusted)
        self._makes_json = self._makes_json or makes_json(fact)
        if reason:
            how = f" (operator {fact.operators})" if fact.operators else ""
            raise RefusedStatementError(
                f"The statement calls {fact.signature}{how}{part.path}, which {reason}.", hint=_READ_HINT
            )

    def _into(self, part: _Part, fact: FunctionFact) -> list[_Part]:
        """Go on with the body of a SQL function, or with the parts of an aggregate."""
        mark = (fact.oid, tuple(view.oid for view in part.through))
        if mark in self._followed:
            return []
        self._followed.add(mark)
        path = f"{part.path} in {fact.signature}"
        if fact.kind == "a":
            calls: Value = [_call(oid) for oid in fact.parts]
            return [_Part(calls, path, part.through)]
        trees = [tree for tree in (fact.body, fact.defaults) if tree is not None]
        return [_Part(_parsed(tree, path), path, part.through) for tree in trees]

    def _through_relations(self, part: _Part, reached: Reach) -> list[_Part]:
        parts: list[_Part] = []
        for oid in sorted(reached.relations):
            fact = self._surroundings.relations[oid]
            reason = why_relation_refused(fact, part.through)
            if reason:
                raise RefusedStatementError(
                    f"The statement reads {fact.qualified}{part.path}, which {reason}.", hint=_TABLE_HINT
                )
            mark = (oid, tuple(view.oid for view in part.through))
            if fact.body is None or mark in self._followed or fact in part.through:
                continue
            self._followed.add(mark)
            path = f"{part.path} through the view {fact.qualified}"
            parts.append(_Part(_parsed(fact.body, path), path, (*part.through, fact)))
        return parts

    async def _through_types(self, types: set[int]) -> list[_Part]:
        new = types - self._types - self._surroundings.plain_types
        self._types |= new
        checks = await self._probe.domain_checks(new) if new else []
        return [_check_part(check) for check in checks]

    def _check_samplers(self, part: _Part, reached: Reach) -> None:
        if reached.samplers - {_BERNOULLI, _SYSTEM}:
            raise RefusedStatementError(
                f"The statement samples rows with a method of an extension{part.path}.",
                hint="Use TABLESAMPLE BERNOULLI or SYSTEM.",
            )

    def _check_casts(self) -> None:
        if self._makes_json and not self._seen_types.isdisjoint(self._surroundings.cast_types):
            raise RefusedStatementError(
                "The statement turns a value into JSON whose type has a cast to json of its own, and that may do "
                "more than read.",
                hint="Name the fields of the value one by one.",
            )

    def _check_target(self, target: int) -> None:
        fact = self._surroundings.relations.get(target)
        reason = why_target_refused(fact) if fact is not None else "is not known"
        if fact is None or reason:
            raise RefusedStatementError(
                f"The statement changes {fact.qualified if fact else 'a relation'}, which {reason}.",
                hint="Change ordinary tables only; create_migration changes the rest.",
            )
        self.target = fact.qualified


async def survey(probe: Probe, trusted: frozenset[str]) -> Surroundings:
    """Look for what could run without being in any tree: checks behind literals, and casts to json."""
    harmless: set[int] = set()
    risky: set[int] = set()
    for check in await probe.all_domain_checks():
        if await _refused(_check_part(check), probe, trusted, harmless):
            risky.add(check.domain)
    cast: set[int] = set()
    for fact in await probe.json_casts():
        if await _refused(_Part([_call(fact.function)], ""), probe, trusted, harmless):
            cast.add(fact.type)
    return Surroundings(
        frozenset(fact.name for fact in await probe.containers(risky)) if risky else frozenset(),
        frozenset(fact.oid for fact in await probe.containers(cast) if fact.oid) if cast else frozenset(),
    )


async def _refused(part: _Part, probe: Probe, trusted: frozenset[str], harmless: set[int]) -> bool:
    try:
        await Closure(probe, trusted, Surroundings(), harmless).follow(part.tree)
    except RefusedStatementError:
        return True
    return False


def _check_problem(part: _Part, reached: Reach) -> None:
    if reached.problem:
        raise RefusedStatementError(
            f"The statement is refused: {reached.problem}{part.path}.",
            hint="Only plain reading runs here; use transform_data to change rows.",
        )


def _check_part(check: CheckFact) -> _Part:
    path = f" in a check of the domain {check.name}"
    return _Part(_parsed(check.body, path), path)


def _parsed(text: str, path: str) -> Value:
    try:
        return parse_tree(text)
    except (TreeError, ValueError) as unknown:
        raise RefusedStatementError(f"What the statement reaches{path} could not be read.") from unknown


def _call(function: int) -> Value:
    """Return a tree that calls a function: for what PostgreSQL calls without a tree."""
    return parse_tree(f"{{FUNCEXPR :funcid {function} :args <>}}")


def _touches_xml(reached: Reach, functions: dict[int, FunctionFact]) -> bool:
    names: Iterable[str] = (functions[oid].name for oid in reached.calls if oid in functions)
    return reached.makes_xml or any(name.startswith(("xml", "xpath")) for name in names)
