"""The agents there are."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from qms_mcp.agents.analytics.definition import DEFINITION as ANALYTICS
from qms_mcp.agents.data.definition import DEFINITION as DATA
from qms_mcp.agents.definition import AgentDefinition, by_name
from qms_mcp.agents.feedback.definition import DEFINITION as FEEDBACK
from qms_mcp.agents.ml_eval.definition import DEFINITION as ML_EVAL
from qms_mcp.agents.qa.definition import DEFINITION as QA
from qms_mcp.agents.schema.definition import DEFINITION as SCHEMA


@cache
def roster() -> Mapping[str, AgentDefinition]:
    """Return the agents by name."""
    return MappingProxyType(by_name((SCHEMA, DATA, QA, ANALYTICS, ML_EVAL, FEEDBACK)))
