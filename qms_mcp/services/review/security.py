"""Rules about rights and about SQL that is put together at run time."""

from collections.abc import Iterator

from qms_mcp.services.review.code import Code, Spot
from qms_mcp.services.review.reading import UUID, closing, is_string, word
from qms_mcp.services.review.rules import on_code, on_routine, on_statement
from qms_mcp.sqltext import Statement, Token
from qms_mcp.sqltext.routines import Routine

_QUOTING = frozenset({"quote_ident", "quote_literal", "quote_nullable", "format", "chr", "repeat"})
_SAFE_CASTS = frozenset({"regclass", "regtype", "regproc", "regrole", "int", "integer", "bigint", "uuid", "oid"})
_KEYWORDS = frozenset({"execute", "return", "query", "for", "in", "open", "case", "when", "then", "else", "end", "is",
                       "null", "not", "pg_catalog", "e"})  # fmt: skip
_UNTRUSTED = frozenset({"c", "internal", "plpythonu", "plpython3u", "plperlu", "pltclu"})


@on_routine(
    "definer-search-path",
    "error",
    why="A SECURITY DEFINER function without its own search_path runs whatever its caller puts in front of it.",
    fix="Add SET search_path = '' and qualify every name.",
)
def definer_search_path(routine: Routine, _code: Code) -> Iterator[Token]:
    """Find SECURITY DEFINER without SET search_path."""
    if routine.definer and not routine.sets_search_path:
        yield routine.statement.tokens[0]


@on_routine(
    "definer-open-to-all",
    "advice",
    why="Everybody may call a new function; a SECURITY DEFINER one lends its owner's rights to all of them.",
    fix="REVOKE EXECUTE ON FUNCTION ... FROM PUBLIC, then GRANT it to the roles that need it.",
)
def definer_open_to_all(routine: Routine, code: Code) -> Iterator[Token]:
    """Find SECURITY DEFINER functions nobody revokes from PUBLIC."""
    revoked = any(s.has("revoke") and s.has("from", "public") for s in code.statements)
    if routine.definer and not revoked:
        yield routine.statement.tokens[0]


def executed_texts(routine: Routine) -> Iterator[tuple[Statement, range]]:
    """Yield the SQL texts a routine runs: after EXECUTE, or assigned to a variable that is executed."""
    variables: set[str] = set()
    for piece in routine.pieces:
        statement, words = piece.statement, piece.statement.words
        for index in statement.find("execute"):
            if word(statement, index + 1) in {"function", "procedure"}:
                continue
            stops = [i for i in range(index + 1, len(words)) if words[i] in {"using", "into", "loop"}]
            span = range(index + 1, min([*stops, len(words)]))
            if len(span) == 1:
                variables.add(words[span.start])
            yield statement, span
    for piece in routine.pieces:
        words = piece.statement.words
        if words[0] in variables and (":=" in words or words[1:2] == ("=",)):
            yield piece.statement, range(2, len(words))


@on_routine(
    "dynamic-concatenation",
    "error",
    why="A value is pasted into SQL that is then executed: SQL injection.",
    fix="EXECUTE format('... %I ... ', name) USING value; %I quotes names, USING passes values.",
)
def dynamic_concatenation(routine: Routine, _code: Code) -> Iterator[tuple[Token, str]]:
    """Find names that are joined with || into executed SQL without being quoted."""
    for statement, span in executed_texts(routine):
        if "||" not in statement.words[span.start : span.stop]:
            continue
        index = span.start
        while index < span.stop:
            token = statement.tokens[index]
            if token.word in _QUOTING and word(statement, index + 1) == "(":
                index = closing(statement.words, index + 1) + 1
                continue
            if _is_pasted(statement, index):
                yield token, token.text
                break
            index += 1


def _is_pasted(statement: Statement, index: int) -> bool:
    token = statement.tokens[index]
    if not token.name or token.word in _KEYWORDS or word(statement, index - 1) in {"::", "."}:
        return False
    return word(statement, index + 1) != "(" and not (
        word(statement, index + 1) == "::" and word(statement, index + 2) in _SAFE_CASTS
    )


@on_routine(
    "format-unquoted",
    "warning",
    why="format() puts %s into the SQL as it is; only %I and %L quote.",
    fix="Use %I for names and USING (or %L) for values.",
)
def format_unquoted(routine: Routine, _code: Code) -> Iterator[Token]:
    """Find %s in the format of executed SQL."""
    for statement, span in executed_texts(routine):
        for index in span:
            follows = word(statement, index - 1) == "(" and word(statement, index - 2) == "format"
            text = statement.tokens[index].text.replace("%%", "")
            if follows and is_string(statement.tokens[index]) and ("%s" in text or "$s" in text):
                yield statement.tokens[index]


@on_routine(
    "trigger-dynamic-sql",
    "warning",
    why="A trigger that builds SQL plans it anew for each row and hides what it touches.",
    fix="Write the statements out, or a trigger function per table.",
)
def trigger_dynamic_sql(routine: Routine, _code: Code) -> Iterator[Token]:
    """Find EXECUTE in trigger functions."""
    if routine.is_trigger:
        for statement, span in executed_texts(routine):
            if "execute" in statement.words[: span.start]:
                yield statement.tokens[span.start - 1]


@on_statement(
    "grant-all",
    "warning",
    why="GRANT ALL gives rights nobody asked for, TRUNCATE and TRIGGER among them.",
    fix="Name the rights: GRANT SELECT, INSERT ON ... TO ...",
)
def grant_all(spot: Spot) -> Iterator[Token]:
    """Find GRANT ALL."""
    if spot.statement.starts("grant", "all"):
        yield spot.statement.tokens[1]


@on_statement(
    "grant-public",
    "warning",
    why="PUBLIC is every role there is and will be.",
    fix="GRANT to the role that needs it.",
)
def grant_public(spot: Spot) -> Iterator[Token]:
    """Find GRANT ... TO PUBLIC."""
    if spot.statement.words[0] == "grant":
        yield from (spot.statement.tokens[index + 1] for index in spot.statement.find("to", "public"))


@on_code(
    "hard-coded-id",
    "warning",
    why="A fixed id ties the code to one database, or lets one organization's id into all of them.",
    fix="Pass it as a parameter, or look it up by a name; qms.current_organization_id() is the caller's.",
)
def hard_coded_id(code: Code) -> Iterator[Token]:
    """Find UUIDs written out."""
    for spot in code.spots:
        for token in spot.statement.tokens:
            if is_string(token) and UUID.match(token.content) and set(token.content) - set("0-"):
                yield token


@on_statement(
    "password-literal",
    "error",
    why="A password in a statement ends up in logs, histories and the ledger.",
    fix="Set it with \\password, or from a secret store.",
)
def password_literal(spot: Spot) -> Iterator[Token]:
    """Find passwords of roles."""
    if spot.statement.words[0] not in {"create", "alter"} or word(spot.statement, 1) not in {"role", "user"}:
        return
    for index in spot.statement.find("password"):
        if is_string(spot.statement.tokens[min(index + 1, len(spot.statement.tokens) - 1)]):
            yield spot.statement.tokens[index]


@on_statement(
    "server-program",
    "error",
    why="It runs a program or reads a file on the database server.",
    fix="Load data through the client: COPY ... FROM STDIN.",
)
def server_program(spot: Spot) -> Iterator[Token]:
    """Find COPY with a program or a file."""
    statement = spot.statement
    if statement.words[0] != "copy":
        return
    for index, text in enumerate(statement.words[:-1]):
        if text in {"from", "to"} and (
            statement.words[index + 1] == "program" or is_string(statement.tokens[index + 1])
        ):
            yield statement.tokens[index + 1]


@on_routine(
    "untrusted-language",
    "error",
    why="A function in this language can do all that the server's account can.",
    fix="Write it in SQL or PL/pgSQL.",
)
def untrusted_language(routine: Routine, _code: Code) -> Iterator[tuple[Token, str]]:
    """Find functions in C and other untrusted languages."""
    if routine.language in _UNTRUSTED:
        yield routine.statement.tokens[0], routine.language
