"""The judgement: what a statement may reach, as short lists with their reasons.

Facts of the catalogue come first (volatility, who brought it, security definer), names only where facts are
not enough. Everything is default-deny: what no rule allows is refused, and the answer says what it was.
"""

import re
from collections.abc import Sequence

from qms_mcp.db.guard.facts import FunctionFact, RelationFact, words
from qms_mcp.db.guard.tree import Node, Value

# --- functions --------------------------------------------------------------------------------------------

# Built-in and VOLATILE, but only because their answer varies.
VOLATILE_READS = words(
    """
    random random_normal array_sample array_shuffle gen_random_uuid uuidv4 uuidv7 clock_timestamp timeofday
    pg_relation_size pg_table_size pg_indexes_size pg_total_relation_size pg_partition_tree
    pg_partition_ancestors
    """
)

# Built-in, and not VOLATILE, but not harmless either.
_RUNS_TEXT = "runs a query or an expression from a text that nobody has checked"
_RUNS_INPUT = "runs input functions of a type that is named in a text"
_SHOWS_SERVER = "shows where the server or its clients are"
_TAKES_ID = "makes the transaction a writing one"
REFUSED_BUILT_INS: dict[str, str] = {
    **dict.fromkeys(("table_to_xml", "table_to_xmlschema", "table_to_xml_and_xmlschema"), _RUNS_TEXT),
    **dict.fromkeys(("schema_to_xml", "schema_to_xmlschema", "schema_to_xml_and_xmlschema"), _RUNS_TEXT),
    **dict.fromkeys(("database_to_xml", "database_to_xmlschema", "database_to_xml_and_xmlschema"), _RUNS_TEXT),
    **dict.fromkeys(("inet_client_addr", "inet_client_port", "inet_server_addr", "inet_server_port"), _SHOWS_SERVER),
    **dict.fromkeys(("txid_current", "pg_current_xact_id"), _TAKES_ID),
}

# Functions about the catalogue or about values; any other STABLE function named pg_... is refused.
_PG_READS = re.compile(
    r"""pg_(?:
        typeof | basetype | has_role | collation_for | client_encoding | encoding_to_char | char_to_encoding
      | get_(?: expr | indexdef | constraintdef | viewdef | triggerdef | ruledef | functiondef | function_\w+
          | serial_sequence | userbyid | keywords | partkeydef | partition_constraintdef | statisticsobjdef\w*
          | object_address | catalog_foreign_keys | replica_identity_index | acl )
      | \w+_is_visible | column_size | column_compression | column_is_updatable
      | relation_is_updatable | relation_is_publishable | describe_object | identify_object(?:_as_address)?
      | index_has_property | index_column_has_property | indexam_has_property | options_to_table
      | backend_pid | postmaster_start_time | conf_load_time | timezone_names | timezone_abbrevs\w*
      | available_extensions | available_extension_versions | extension_update_paths
      | my_temp_schema | is_other_temp_schema | trigger_depth | settings_get_flags | sequence_parameters
      | stat_get_(?: numscans | live_tuples | dead_tuples | lastscan )
    )""",
    re.VERBOSE,
)

# Extensions whose IMMUTABLE and STABLE functions only compute. tablefunc and xml2 are not here: they run
# texts.
TRUSTED_EXTENSIONS = words(
    """
    vector pg_trgm unaccent btree_gin btree_gist citext hstore intarray ltree fuzzystrmatch cube earthdistance
    isn seg pgcrypto
    """
)

# Functions of this project that the SQL role may call: who is asking, and the search over embeddings.
TRUSTED_FUNCTIONS = frozenset(
    {
        "qms.current_organization_id",
        "qms.current_user_id",
        "qms.current_actor_kind",
        "qms.has_role",
        "qms.may_write",
        "auth.uid",
        "auth.role",
        "public.match_embeddings",
    }
)

# PostgreSQL makes these for every range type.
_RANGE_CONSTRUCTORS = re.compile(r"(?:range_constructor[23]|multirange_constructor[012])")

# How many characters or elements one constant may ask for.
MAX_REPEATS = 1_000_000
_GROWING = frozenset({"repeat", "lpad", "rpad"})
_INT4 = 23

# Types whose input functions are PostgreSQL's own and pure.
_PLAIN_TYPES = words(
    """
    smallint integer int int2 int4 int8 bigint numeric decimal real float float4 float8 boolean bool text
    varchar date time timestamp timestamptz timetz interval uuid json jsonb inet cidr
    """
) | {"double precision", "timestamp with time zone", "timestamp without time zone", "character varying"}


def why_function_refused(fact: FunctionFact, calls: Sequence[Sequence[Value]], trusted: frozenset[str]) -> str:
    """Return why the function may not be reached; an empty string if it may."""
    if fact.built_in:
        return _why_built_in_refused(fact, calls)
    if fact.extension is not None:
        return _why_extension_refused(fact)
    if fact.qualified in trusted and fact.volatility != "v":
        return ""
    return _why_own_refused(fact)


def _why_built_in_refused(fact: FunctionFact, calls: Sequence[Sequence[Value]]) -> str:
    if fact.volatility == "v" and fact.name not in VOLATILE_READS:
        return "is VOLATILE: it may change something or see what is not yours"
    return REFUSED_BUILT_INS.get(fact.name) or _why_special_refused(fact, calls)


def _why_special_refused(fact: FunctionFact, calls: Sequence[Sequence[Value]]) -> str:
    if fact.takes_raw and fact.kind == "f":
        return "is part of a type and can't be called by name"
    if fact.name == "current_setting":
        return _why_setting_refused(calls)
    if fact.name in {"pg_input_is_valid", "pg_input_error_info"}:
        plain = all(len(call) > 1 and _text(call[1]).lower() in _PLAIN_TYPES for call in calls)
        return "" if plain else _RUNS_INPUT
    if (
        fact.volatility == "s"
        and fact.name.startswith("pg_")
        and not (fact.name == "pg_show_all_settings" or _PG_READS.fullmatch(fact.name))
    ):
        return "looks into the server, and is not on the list of those that are harmless"
    return ""


def depends_on_arguments(fact: FunctionFact) -> bool:
    """Say whether a built-in function is harmless in one call and not in another."""
    special = {"current_setting", "pg_input_is_valid", "pg_input_error_info"} | _GROWING
    return fact.name in special or makes_json(fact) or fact.name.startswith(("xml", "xpath"))


def _why_setting_refused(calls: Sequence[Sequence[Value]]) -> str:
    for call in calls:
        name = _text(call[0]) if call else ""
        if not name:
            return "reads a setting whose name is computed"
        if not readable_setting(name):
            return f"reads the setting {name[:60]}, which may hold who is acting, or a secret"
    return ""


def _why_extension_refused(fact: FunctionFact) -> str:
    if fact.extension not in TRUSTED_EXTENSIONS:
        return f"belongs to the extension {fact.extension}, which is not on the list of harmless ones"
    if fact.volatility == "v":
        return "is VOLATILE: it may change something"
    if fact.security_definer:
        return "runs with somebody else's rights (SECURITY DEFINER)"
    return ""


def _why_own_refused(fact: FunctionFact) -> str:
    """Judge a user's function; those that pass are followed into their body or parts."""
    if fact.security_definer:
        return "runs with somebody else's rights (SECURITY DEFINER)"
    if fact.kind == "a":
        return ""
    if fact.volatility == "v":
        return "is VOLATILE: it may change something"
    if fact.language == "internal" and _RANGE_CONSTRUCTORS.fullmatch(fact.source):
        return ""
    if fact.language != "sql" or fact.body is None:
        return f"has a body in {fact.language} that can't be read before it runs"
    return ""


def too_large(fact: FunctionFact, calls: Sequence[Sequence[Value]]) -> bool:
    """Say whether a call asks for more characters than any answer could hold."""
    if not fact.built_in or fact.name not in _GROWING:
        return False
    return any(_integer(argument) > MAX_REPEATS for call in calls for argument in call[1:2])


# Built-in functions that turn any value into JSON, and call a cast of its type to json by themselves.
_JSON_MAKERS = re.compile(r"(?:to_jsonb?|row_to_json|array_to_json|jsonb?_(?:object_)?agg\w*|jsonb?_build_\w+)")


def makes_json(fact: FunctionFact) -> bool:
    """Say whether a function turns any value into JSON."""
    return fact.built_in and _JSON_MAKERS.fullmatch(fact.name) is not None


# --- settings -----------------------------------------------------------------------------------------------

_SETTING_PREFIXES = frozenset({"pg_trgm", "hnsw", "ivfflat"})


def readable_setting(name: str) -> bool:
    """Say whether a setting may be shown.

    Names with a dot are made up by whoever sets them: identity, claims and, on some platforms, signing keys
    live there. Those without are PostgreSQL's own, and it hides the secret ones itself.
    """
    prefix, dot, _ = name.lower().partition(".")
    return not dot or prefix in _SETTING_PREFIXES


# --- relations ----------------------------------------------------------------------------------------------

# Schemas that hold keys, people's credentials, or the inner state of other systems.
REFUSED_SCHEMAS = words(
    """
    auth qms_private supabase_migrations supabase_functions vault pgsodium pgsodium_masks storage realtime
    _realtime _analytics net cron dbos pgbouncer graphql graphql_public pg_toast
    """
)

# What of the catalogue may be read: the shape of the database. The rest shows other sessions, passwords,
# values of columns (statistics), or the state of the server.
CATALOGUE = words(
    """
    pg_aggregate pg_am pg_amop pg_amproc pg_attrdef pg_attribute pg_auth_members pg_available_extensions
    pg_available_extension_versions pg_cast pg_class pg_collation pg_constraint pg_conversion pg_database
    pg_default_acl pg_depend pg_description pg_enum pg_event_trigger pg_extension pg_index pg_indexes
    pg_inherits pg_init_privs pg_language pg_matviews pg_namespace pg_opclass pg_operator pg_opfamily
    pg_partitioned_table pg_policies pg_policy pg_proc pg_publication pg_publication_namespace
    pg_publication_rel pg_publication_tables pg_range pg_rewrite pg_roles pg_rules pg_seclabel pg_seclabels
    pg_sequence pg_settings pg_shdepend pg_shdescription pg_stat_all_indexes pg_stat_all_tables
    pg_stat_user_functions pg_stat_user_indexes pg_stat_user_tables pg_statio_all_indexes pg_statio_all_tables
    pg_statio_user_indexes pg_statio_user_tables pg_statistic_ext pg_stats pg_stats_ext pg_tables
    pg_tablespace pg_timezone_abbrevs pg_timezone_names pg_transform pg_trigger pg_ts_config pg_ts_config_map
    pg_ts_dict pg_ts_parser pg_ts_template pg_type pg_views
    """
)
_HIDDEN_VIEWS = frozenset(
    {
        "user_mappings",
        "user_mapping_options",
        "_pg_user_mappings",
        "foreign_server_options",
        "_pg_foreign_servers",
        "foreign_data_wrapper_options",
        "_pg_foreign_data_wrappers",
        "foreign_table_options",
        "_pg_foreign_tables",
    }
)
_KINDS = {
    "S": "a sequence",
    "f": "a foreign table",
    "t": "the inside of another table",
    "c": "a composite type",
}


def why_relation_refused(fact: RelationFact, through: Sequence[RelationFact]) -> str:
    """Return why the relation may not be read through those views; an empty string if it may."""
    if fact.schema == "pg_catalog":
        return "" if fact.name in CATALOGUE else "may show other sessions, passwords or what others stored"
    if fact.schema == "information_schema":
        return "may show passwords of other servers" if fact.name in _HIDDEN_VIEWS else ""
    if fact.schema in REFUSED_SCHEMAS or fact.schema.startswith("pg_"):
        return f"lies in the schema {fact.schema}, which no statement may read"
    if fact.kind not in {"r", "p", "v", "m"}:
        return f"is {_KINDS.get(fact.kind, 'no table or view')}"
    return _why_unprotected(fact, through)


def _why_unprotected(fact: RelationFact, through: Sequence[RelationFact]) -> str:
    """Say why rows of other organizations could be seen in it."""
    if fact.protected_parent is not None:
        return f"is a part of {fact.protected_parent} without its row-level security"
    if fact.protected_child is not None:
        return f"has a part, {fact.protected_child}, with row-level security that it lacks itself"
    if fact.kind in {"r", "p"} and fact.tenant_column and not fact.row_security:
        return "has a column organization_id and no row-level security"
    return _why_passed(fact, through) if fact.row_security else ""


def _why_passed(fact: RelationFact, through: Sequence[RelationFact]) -> str:
    """Say which view on the way passes the row-level security of a table."""
    for view in through:
        if view.kind == "m":
            return f"has row-level security, and the materialized view {view.qualified} copies its rows"
        if not view.invoker and _sees_more(view, fact):
            return (
                f"has row-level security, and the view {view.qualified} reads it as its owner, who may see more; "
                "make it WITH (security_invoker = true)"
            )
    return ""


def _sees_more(view: RelationFact, table: RelationFact) -> bool:
    """Say whether the owner of a view passes a table's row-level security, or has policies of its own."""
    owns = view.owner == table.owner and not table.forced
    return view.owner_unbound or owns or view.owner in table.named_readers


def why_target_refused(fact: RelationFact) -> str:
    """Return why rows of the relation may not be changed; an empty string if they may."""
    if fact.schema in {"pg_catalog", "information_schema"}:
        return "is part of the catalogue"
    if fact.kind not in {"r", "p"}:
        return "is no ordinary table"
    if fact.rewritten:
        return "has rules that turn a change into something else"
    return ""


# --- constants of a tree ------------------------------------------------------------------------------------

_TEXT = 25
_LONG_HEADER = 4


def _text(value: Value) -> str:
    """Return a constant of type text; an empty string for anything else."""
    if not isinstance(value, Node) or value.tag != "CONST" or value.number("consttype") != _TEXT:
        return ""
    octets = value.fields.get("constvalue")
    return octets[_LONG_HEADER:].decode(errors="replace") if isinstance(octets, bytes) else ""


def _integer(value: Value) -> int:
    """Return a constant of type integer; 0 for anything else."""
    if not isinstance(value, Node) or value.tag != "CONST" or value.number("consttype") != _INT4:
        return 0
    octets = value.fields.get("constvalue")
    if not isinstance(octets, bytes):
        return 0
    # The tree holds the word as the server's memory does; in the wrong order the other half of it is zero.
    return max(
        int.from_bytes(octets[:4], "little", signed=True),
        int.from_bytes(octets[-4:], "big", signed=True),
        key=abs,
    )
