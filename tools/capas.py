"""Tools for CAPAs: why one is opened, what caused the problem, what is done about it, and whether that worked."""

from datetime import date
from typing import Annotated

from pydantic import Field, WithJsonSchema

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.capas.causes import Analysis, Rendering
from qms_mcp.services.capas.models import (
    CauseInput,
    CriterionInput,
    EffectivenessReport,
    OpenedCapa,
    PlannedAction,
    PlannedCapa,
    RecordedCauses,
    RiskClass,
    UpdatedAction,
)
from qms_mcp.services.capas.opening import NewCapa
from qms_mcp.services.capas.planning import Progress
from qms_mcp.services.domain.causes import Method

Capa = Annotated[str, Field(min_length=1, max_length=60, description="Number or id.")]
Version = Annotated[int, Field(ge=1, description="The version you saw.")]
Reason = Annotated[str, Field(min_length=10, max_length=2_000, description="Why; kept in the audit trail.")]

# What follows is checked against whole models; a model that calls reads their fields in a sentence, not as a schema.
Nodes = Annotated[
    list[CauseInput],
    Field(max_length=100),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "object"},
            "description": "A tree, its top the problem: {key, parent, statement, evidence: [], is_root_cause}; "
            "fishbone: category (man, machine, material, method, measurement, environment); fault_tree: gate (and, "
            "or); is_is_not: dimension (what, where, when, extent), facet (is, is_not, distinction, change). An id as "
            "key changes that node; withdraw: why.",
        }
    ),
]
Actions = Annotated[
    list[PlannedAction] | None,
    Field(max_length=50),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "object"},
            "description": "{type: containment|correction|corrective|preventive, description, owner, due_on}",
        }
    ),
]
Criterion = Annotated[
    CriterionInput | None,
    WithJsonSchema(
        {
            "type": "object",
            "description": "{metric, measure: count|rate|value, counted: {category, tags, fields, words}, per (rate): "
            "the same, statement (value): SELECT value, n, baseline, target, comparator: <=, window_start, window_end, "
            "minimum_sample: days, opportunities or n}",
        }
    ),
]


@tool(toolset="quality", title="Open a CAPA")
async def open_capa(  # noqa: PLR0913, PLR0917 - each is asked for by name
    ctx: Ctx,
    sources: Annotated[list[str], Field(min_length=1, max_length=20, description="Numbers of the records it answers.")],
    title: Annotated[str, Field(min_length=5, max_length=300, description="One line.")],
    problem_statement: Annotated[
        str, Field(min_length=20, max_length=10_000, description="What is wrong, where, since when, how much.")
    ],
    risk_class: Annotated[RiskClass, Field(description="How serious.")],
    reason: Reason,
    owner: Annotated[str, Field(max_length=320, description="me, name, e-mail or id.")] = "me",
    override: Annotated[
        str | None, Field(min_length=10, max_length=2_000, description="Why a CAPA although a correction suffices.")
    ] = None,
    idempotency_key: Annotated[str | None, Field(max_length=200, description="Same key, same CAPA.")] = None,
) -> OpenedCapa:
    """Open a CAPA for one or more records, after a screen of severity, recurrence and regulatory impact.

    why says what the screen found. When a correction suffices, the call fails and says so; open it all the same only
    with an override the user gave.
    """
    wanted = NewCapa(
        sources=sources, title=title, problem_statement=problem_statement, risk_class=risk_class, owner=owner
    )
    return await services(ctx).capas.open(
        caller(ctx), wanted, reason=reason, override=override, idempotency_key=idempotency_key
    )


@tool(toolset="quality", title="Record a root cause")
async def record_root_cause(  # noqa: PLR0913, PLR0917 - each is asked for by name
    ctx: Ctx,
    capa: Capa,
    version: Version,
    method: Annotated[Method, Field(description="How it was analysed.")],
    nodes: Nodes,
    reason: Reason,
    summary: Annotated[str | None, Field(max_length=5_000, description="In short.")] = None,
    not_determined: Annotated[str | None, Field(max_length=5_000, description="Why not.")] = None,
    render: Annotated[Rendering, Field(description="Of diagram.")] = "mermaid",
) -> RecordedCauses:
    """Record an analysis of causes for a CAPA, and draw it as diagram.

    A root cause without evidence is refused, as is a 5 Whys that is no chain. Whether it is adequate, a person says.
    """
    analysis = Analysis(method=method, nodes=nodes, summary=summary, not_determined=not_determined)
    return await services(ctx).capas.record_causes(
        caller(ctx), capa, analysis, reason=reason, version=version, render=render
    )


@tool(toolset="quality", title="Plan a CAPA")
async def plan_capa(
    ctx: Ctx,
    capa: Capa,
    version: Version,
    reason: Reason,
    actions: Actions = None,
    criterion: Criterion = None,
) -> PlannedCapa:
    """Plan the actions of a CAPA and a measurable criterion of their effectiveness.

    A correction removes what was found, a corrective action its cause, a preventive one a cause that has not struck.
    A criterion that can't be measured is refused. missing says what blocks the next steps.
    """
    return await services(ctx).capas.plan(
        caller(ctx), capa, actions=actions or [], criterion=criterion, reason=reason, version=version
    )


@tool(toolset="quality", title="Update a CAPA action")
async def update_capa_action(  # noqa: PLR0913, PLR0917 - each is asked for by name
    ctx: Ctx,
    capa: Capa,
    version: Version,
    action: Annotated[str, Field(max_length=60, description="Its number in the CAPA, or id.")],
    reason: Reason,
    progress: Annotated[str | None, Field(max_length=5_000, description="How it stands.")] = None,
    completed_on: Annotated[date | None, Field(description="Takes evidence.")] = None,
    evidence: Annotated[str | None, Field(max_length=5_000, description="What shows that it is done.")] = None,
    extend_to: Annotated[date | None, Field(description="Later due date to ask for.")] = None,
) -> UpdatedAction:
    """Record how an action of a CAPA stands, that it is done with evidence, or ask for more time.

    More time makes an extension request; the due date moves when a person approves it. Completion without evidence is
    refused. Somebody other than its owner accepts it.
    """
    told = Progress(action=action, progress=progress, completed_on=completed_on, evidence=evidence, extend_to=extend_to)
    return await services(ctx).capas.update_action(caller(ctx), capa, told, reason=reason, version=version)


@tool(toolset="quality", title="Check effectiveness")
async def check_effectiveness(
    ctx: Ctx,
    capa: Capa,
    as_of: Annotated[date | None, Field(description="As if it were that day.")] = None,
    reason: Annotated[
        str | None, Field(min_length=10, max_length=2_000, description="Keeps the check with the CAPA; why.")
    ] = None,
) -> EffectivenessReport:
    """Compute the planned criterion of a CAPA on the data of its window: met, not_met or too_early, with the numbers.

    Without a reason it only reads. query and records say what was counted; chance is information and no part of the
    verdict. Whether the CAPA was effective is for a person to sign. Fails without a planned criterion.
    """
    return await services(ctx).capas.check_effectiveness(caller(ctx), capa, as_of=as_of, reason=reason)
