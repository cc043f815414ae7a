"""What a sampling plan looks like: its OC curve with both qualities, and the average outgoing quality."""

from qms_mcp.pictures.model import Level, Mark, Panel, Picture, Series
from qms_mcp.statistics.sampling.curve import Curve

_POINTS = 201
_FAR = 0.002


def sampling_picture(curve: Curve, aql: float | None, rql: float, alt: str) -> Picture:
    """Return the picture of a plan.

    Args:
        curve: The plan.
        aql: In per cent (or per 100 units), if there is one.
        rql: Likewise.
        alt: The headline.
    """
    end = max(curve.quality_accepted(_FAR), 1.15 * rql / 100, 0.0 if aql is None else 1.5 * aql / 100)
    end = end if curve.model == "poisson" else min(1.0, end)
    qualities = [end * at / (_POINTS - 1) for at in range(_POINTS)]
    x = tuple(100 * quality for quality in qualities)
    limit = curve.outgoing_limit()
    unit = "nonconformities per 100 units" if curve.model == "poisson" else "% nonconforming"
    marked = [("RQL", rql)] if aql is None else [("AQL", aql), ("RQL", rql)]
    inside = [(name, value) for name, value in marked if value <= 100 * end]
    return Picture(
        title=f"Sampling plan n = {curve.n}, Ac = {curve.ac}",
        subtitle=f"{curve.model} model" + ("" if curve.lot_size is None else f", lots of {curve.lot_size:,}"),
        panels=(
            Panel(
                title="Operating characteristic",
                series=(Series(y=tuple(curve.acceptance(q) for q in qualities), x=x, style="line"),),
                levels=tuple(
                    Level(
                        values=(value,),
                        kind="target" if name == "AQL" else "spec",
                        label=f"{name} {value:.3g}",
                        upright=True,
                    )
                    for name, value in inside
                ),
                marks=tuple(
                    Mark(
                        x=value,
                        y=curve.acceptance(value / 100),
                        label=f"{curve.acceptance(value / 100):.3f}",
                        role="second",
                    )
                    for _, value in inside
                ),
                x_label=f"Quality of the lot ({unit})",
                y_label="Chance of acceptance",
            ),
            Panel(
                title="Average outgoing quality, lots not accepted being screened",
                series=(Series(y=tuple(100 * curve.outgoing(q) for q in qualities), x=x, style="line", role="second"),),
                levels=(Level(values=(100 * limit.limit,), kind="spec", label=f"AOQL {100 * limit.limit:.3g}"),),
                x_label=f"Quality of the lot ({unit})",
                y_label=f"AOQ ({unit})",
            ),
        ),
        alt=alt,
    )
