"""What an analysed tree reaches: the OID of every function, operator, relation and type in it.

The list of node tags is an allow-list. PostgreSQL 15 and 16 renamed some tags, so both names of each are
here; a tag that is in neither list is refused as something nobody has thought about.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from qms_mcp.db.guard.facts import FIRST_USER_OID, words
from qms_mcp.db.guard.tree import Node, Value

Purpose: TypeAlias = Literal["read", "write"]


SELECT = 1
COMMANDS = {2: "UPDATE", 3: "INSERT", 4: "DELETE", 5: "MERGE", 6: "a utility command"}

READ_TAGS = words(
    """
    QUERY RTE RANGETBLENTRY RTEPERMISSIONINFO RANGETBLFUNCTION RANGETBLREF TABLESAMPLECLAUSE TABLEFUNC
    ALIAS TARGETENTRY FROMEXPR JOINEXPR COMMONTABLEEXPR CTESEARCHCLAUSE CTECYCLECLAUSE SETOPERATIONSTMT
    SORTGROUPCLAUSE GROUPINGSET GROUPINGFUNC WINDOWCLAUSE WINDOWFUNC AGGREF VAR CONST PARAM FUNCEXPR
    NAMEDARGEXPR OPEXPR DISTINCTEXPR NULLIFEXPR SCALARARRAYOPEXPR BOOLEXPR SUBLINK SUBSCRIPTINGREF
    FIELDSELECT RELABELTYPE COERCEVIAIO ARRAYCOERCEEXPR CONVERTROWTYPEEXPR COLLATE COLLATEEXPR CASE
    CASEEXPR WHEN CASEWHEN CASETESTEXPR ARRAY ARRAYEXPR ROW ROWEXPR ROWCOMPARE ROWCOMPAREEXPR COALESCE
    COALESCEEXPR MINMAX MINMAXEXPR SQLVALUEFUNCTION XMLEXPR JSONFORMAT JSONRETURNING JSONVALUEEXPR
    JSONCONSTRUCTOREXPR JSONISPREDICATE JSONBEHAVIOR JSONEXPR JSONITEMCOERCIONS JSONCOERCION
    JSONTABLEPATH JSONTABLEPATHSCAN JSONTABLESIBLINGJOIN NULLTEST BOOLEANTEST COERCETODOMAIN
    COERCETODOMAINVALUE
    """
)
WRITE_TAGS = READ_TAGS | words(
    """
    MERGEACTION MERGESUPPORTFUNC SETTODEFAULT ONCONFLICTEXPR INFERENCEELEM FIELDSTORE RETURNINGEXPR
    """
)
_RANGE_TABLE_TAGS = frozenset({"RTE", "RANGETBLENTRY"})

_FUNCTION_FIELDS: dict[str, tuple[str, ...]] = {
    "FUNCEXPR": ("funcid",),
    "OPEXPR": ("opfuncid",),
    "DISTINCTEXPR": ("opfuncid",),
    "NULLIFEXPR": ("opfuncid",),
    "SCALARARRAYOPEXPR": ("opfuncid", "hashfuncid", "negfuncid"),
    "AGGREF": ("aggfnoid",),
    "WINDOWFUNC": ("winfnoid",),
    "WINDOWCLAUSE": ("startInRangeFunc", "endInRangeFunc"),
}
_OPERATOR_FIELDS: dict[str, tuple[str, ...]] = {
    "OPEXPR": ("opno",),
    "DISTINCTEXPR": ("opno",),
    "NULLIFEXPR": ("opno",),
    "SCALARARRAYOPEXPR": ("opno",),
    "SORTGROUPCLAUSE": ("eqop", "sortop"),
    "CTECYCLECLAUSE": ("cycle_mark_neop",),
}
_OPERATOR_LISTS = {"ROWCOMPARE": "opnos", "ROWCOMPAREEXPR": "opnos"}
# Where a value of a type is made: its input function, and a domain's checks, run there.
_TYPE_FIELDS: dict[str, tuple[str, ...]] = {
    "CONST": ("consttype",),
    "PARAM": ("paramtype",),
    "FUNCEXPR": ("funcresulttype",),
    "AGGREF": ("aggtype",),
    "WINDOWFUNC": ("wintype",),
    "COERCETODOMAIN": ("resulttype",),
    "COERCEVIAIO": ("resulttype",),
    "ARRAYCOERCEEXPR": ("resulttype",),
    "CONVERTROWTYPEEXPR": ("resulttype",),
    "JSONRETURNING": ("typid",),
    "XMLEXPR": ("type",),
    "ROWEXPR": ("row_typeid",),
    "ROW": ("row_typeid",),
}
_TYPE_LISTS = {"RANGETBLFUNCTION": "funccoltypes", "TABLEFUNC": "coltypes"}
_XML = 142
_JSON_TAGS = frozenset({"JSONCONSTRUCTOREXPR", "JSONEXPR"})


@dataclass(slots=True)
class Reach:
    """What was found in one tree.

    Attributes:
        calls: By OID of the function, the arguments of each place it is called from.
        operators: OIDs of operators that are not PostgreSQL's own.
        relations: OIDs of tables, views and everything else that is read or written.
        types: OIDs of types, not PostgreSQL's own, of which values are made.
        read_types: OIDs of types of columns that are read.
        samplers: OIDs of TABLESAMPLE methods.
        target: OID of the relation that is written, or 0.
        commands: The kinds of command in it, the outermost first.
        makes_json: Whether SQL/JSON constructors are used.
        makes_xml: Whether values of type xml are made.
        problem: Why the tree is refused as it stands, if it is.
    """

    calls: dict[int, list[list[Value]]] = field(default_factory=dict[int, "list[list[Value]]"])
    operators: set[int] = field(default_factory=set[int])
    relations: set[int] = field(default_factory=set[int])
    types: set[int] = field(default_factory=set[int])
    read_types: set[int] = field(default_factory=set[int])
    samplers: set[int] = field(default_factory=set[int])
    target: int = 0
    commands: list[int] = field(default_factory=list[int])
    makes_json: bool = False
    makes_xml: bool = False
    problem: str = ""


def reach(tree: Value, purpose: Purpose = "read") -> Reach:
    """Collect what `tree` reaches; the first thing that is not allowed at all is its `problem`."""
    found = Reach()
    tags = WRITE_TAGS if purpose == "write" else READ_TAGS
    for node in _nodes(tree):
        if node.tag not in tags:
            found.problem = found.problem or _unknown(node.tag)
        elif node.tag == "QUERY":
            _query(node, found, purpose)
        elif node.tag in _RANGE_TABLE_TAGS:
            _range_table_entry(node, found)
        else:
            _expression(node, found)
    return found


def _nodes(tree: Value) -> Iterator[Node]:
    """Yield all nodes, parents before children, in the order of the text."""
    waiting: list[Value] = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Node):
            yield value
            waiting.extend(item for item in reversed(value.fields.values()) if isinstance(item, (Node, list)))
        elif isinstance(value, list):
            waiting.extend(item for item in reversed(value) if isinstance(item, (Node, list)))


def _unknown(tag: str) -> str:
    if tag == "ROWMARKCLAUSE":
        return "it locks rows (FOR UPDATE or FOR SHARE)"
    if tag == "NEXTVALUEEXPR":
        return "it advances a sequence"
    if tag == "CURRENTOFEXPR":
        return "it uses a cursor"
    return f"it holds something the guard does not know ({tag})"


def _query(node: Node, found: Reach, purpose: Purpose) -> None:
    command = node.number("commandType")
    outermost = not found.commands
    found.commands.append(command)
    if command != SELECT and not (purpose == "write" and outermost):
        found.problem = found.problem or f"it holds {COMMANDS.get(command, 'an unknown command')}"
    if node.fields.get("utilityStmt") is not None:
        found.problem = found.problem or "it holds a utility command"
    if node.fields.get("rowMarks") is not None or node.fields.get("hasForUpdate") == "true":
        found.problem = found.problem or _unknown("ROWMARKCLAUSE")
    if (position := node.number("resultRelation")) > 0:
        entry = node.items("rtable")[position - 1]
        found.target = entry.number("relid") if isinstance(entry, Node) else 0


def _range_table_entry(node: Node, found: Reach) -> None:
    if relation := node.number("relid"):
        found.relations.add(relation)
    if node.fields.get("enrname") is not None:
        found.problem = found.problem or "it reads a transition table"
    sample = node.fields.get("tablesample")
    if isinstance(sample, Node):
        found.samplers.add(sample.number("tsmhandler"))


def _expression(node: Node, found: Reach) -> None:
    if node.tag == "VAR":
        found.read_types.add(node.number("vartype"))
        return
    for name in _FUNCTION_FIELDS.get(node.tag, ()):
        if function := node.number(name):
            found.calls.setdefault(function, []).append(node.items("args"))
    operators = [node.number(name) for name in _OPERATOR_FIELDS.get(node.tag, ())]
    operators += node.numbers(_OPERATOR_LISTS[node.tag]) if node.tag in _OPERATOR_LISTS else []
    found.operators.update(operator for operator in operators if operator >= FIRST_USER_OID)
    types = [node.number(name) for name in _TYPE_FIELDS.get(node.tag, ())]
    types += node.numbers(_TYPE_LISTS[node.tag]) if node.tag in _TYPE_LISTS else []
    found.makes_xml = found.makes_xml or node.tag == "XMLEXPR" or _XML in types
    found.types.update(kind for kind in types if kind >= FIRST_USER_OID)
    found.makes_json = found.makes_json or node.tag in _JSON_TAGS
