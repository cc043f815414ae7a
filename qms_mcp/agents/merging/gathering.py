"""From what the agents returned to one result."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from qms_mcp.agents.merging.combining import ranked
from qms_mcp.agents.merging.contradicting import contradictions, marked
from qms_mcp.agents.merging.findings import distinct, findings_of
from qms_mcp.agents.merging.grouping import Group, grouped
from qms_mcp.agents.merging.likeness import Embeddings, Likeness, Trigrams
from qms_mcp.agents.merging.models import LIST_OF, Contribution, Contributor, Item, Listed, Merged, Tally
from qms_mcp.agents.merging.summing_up import summary
from qms_mcp.agents.outputs import Kind

Embed: TypeAlias = Callable[[Sequence[str]], Awaitable[Sequence[Sequence[float]] | None]]
_KINDS: tuple[Kind, ...] = ("insight", "action", "recommendation")


@dataclass(frozen=True, slots=True)
class Claims:
    """What findings name as evidence: to be looked up before merging.

    Attributes:
        calls: Ids of tool calls.
        records: Numbers of records.
    """

    calls: frozenset[str]
    records: frozenset[str]


def claims(contributions: Sequence[Contribution]) -> Claims:
    """Return all evidence that is claimed; a label without a call is no claim that could be looked up."""
    calls: set[str] = set()
    records: set[str] = set()
    for contribution in contributions:
        for _, finding in contribution.output.findings() if contribution.output is not None else ():
            records.update(finding.evidence.records)
            calls.update(contribution.labels[label] for label in finding.evidence.calls if label in contribution.labels)
    return Claims(frozenset(calls), frozenset(records))


def statements(contributions: Sequence[Contribution]) -> list[str]:
    """Return the different statements, as an embedding model is given them."""
    findings = findings_of(contributions, None)
    return sorted({found.finding.statement for found in findings})


async def merge_with(
    contributions: Sequence[Contribution],
    embed: Embed | None,
    *,
    verified: Mapping[str, bool] | None = None,
) -> Merged:
    """Merge by vectors of an embedding model; by trigrams when `embed` is None, or returns None."""
    texts = statements(contributions)
    vectors = await embed(texts) if embed is not None and texts else None
    likeness = Embeddings(dict(zip(texts, vectors, strict=True))) if vectors is not None else None
    return merge(contributions, likeness=likeness, verified=verified)


def merge(
    contributions: Sequence[Contribution],
    *,
    likeness: Likeness | None = None,
    verified: Mapping[str, bool] | None = None,
) -> Merged:
    """Return one result: structure first, then the same words, then the same in other words.

    Args:
        contributions: What came of each task, in any order.
        likeness: How statements are compared; by trigrams if left out.
        verified: Of each id of a tool call and each number of a record, whether it exists and may be seen; what is not
            in it does not. None: records are taken as they are named, calls if the run had such a label.
    """
    measure = likeness or Trigrams()
    groups, opposed = grouped(findings_of(contributions, verified), measure)
    lists = {kind: ranked(groups, kind) for kind in _KINDS}
    pairs = [pair for kind in _KINDS for pair in lists[kind]]
    against = contradictions(pairs, opposed)
    items: dict[Listed, list[Item]] = {
        LIST_OF[kind]: [marked(item, against) for item, _ in lists[kind]] for kind in _KINDS
    }
    once = distinct(contributions)
    tally = _tally(once, groups, [item for listed in items.values() for item in listed], measure)
    contributors = [_contributor(contribution) for contribution in once]
    return Merged(
        summary=summary(items, against, contributors),
        **items,
        contradictions=against,
        contributors=contributors,
        tally=tally,
    )


def _contributor(contribution: Contribution) -> Contributor:
    return Contributor(
        key=contribution.key,
        agent=contribution.agent,
        version=contribution.agent_version,
        run=contribution.run_id,
        model=contribution.model,
        status=contribution.status,
        findings=len(contribution.output.findings()) if contribution.output is not None else 0,
        error=contribution.error,
    )


def _tally(
    contributions: Sequence[Contribution], groups: Sequence[Group], items: Sequence[Item], likeness: Likeness
) -> Tally:
    status = [contribution.status for contribution in contributions]
    why = [reason for group in groups for reason in group.why]
    return Tally(
        total=len(status),
        successful=status.count("completed"),
        partial=status.count("partial"),
        failed=status.count("failed"),
        cancelled=status.count("cancelled"),
        seconds=round(sum(sorted(contribution.seconds for contribution in contributions)), 3),
        cost_usd=round(sum(sorted(contribution.cost_usd for contribution in contributions)), 6),
        findings=len(why),
        merged_exact=why.count("exact"),
        merged_semantic=sum(reason.startswith("semantic") for reason in why),
        unsupported=sum(item.unsupported for item in items),
        likeness=likeness.name,
        threshold=likeness.threshold,
    )
