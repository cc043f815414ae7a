"""The definitions of all metrics as a page: `qms://metrics`."""

from qms_mcp.services.metrics.definitions import BUNDLES, DEFINITIONS


def markdown() -> str:
    """Return every definition as Markdown."""
    lines = [
        "# Metrics",
        "",
        "What `calculate_metrics` computes. Days are those of the organization's time zone. A record is reported on",
        "the day it occurred, or else was recorded; it is open until it was closed. `as_of` takes a record as closed",
        "when it was closed by then, and in the state it was in, by its transitions; one taken over from",
        "elsewhere counts by its day of closing. Its due day, owner and other fields are those of today: how they",
        "stood on an earlier day is not kept in a form to count by. Cancelled records are in no metric from the day of",
        "cancelling on. Closed means in a final state (a rejected change request too).",
        "",
        "Bundles: " + "; ".join(f"`{name}`: {', '.join(names)}" for name, (names, _types) in BUNDLES.items()) + ".",
    ]
    for one in DEFINITIONS.values():
        lines += [
            "",
            f"## `{one.name}`: {one.title}",
            "",
            f"- formula: {one.formula}",
            f"- counted: {one.numerator}; out of: {one.denominator}; left out: {one.left_out}",
            f"- unit: {one.unit}; better: {one.better}" + (f"; interval: {one.interval}" if one.interval else ""),
            f"- asked for by: {one.source}",
        ]
        if one.types:
            lines.append(f"- types: {', '.join(one.types)}")
        if one.columns:
            given = "costs" if one.name == "cost_of_quality" else "volumes"
            lines.append(f"- table `{given}` with the columns {one.columns}")
    return "\n".join(lines) + "\n"
