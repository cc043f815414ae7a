"""`spc_chart`: a control chart of a table, with what it rests on and what signals."""

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.method import Computed, Method
from qms_mcp.services.analysis.methods.spc_answer import SpcChart, answered
from qms_mcp.services.analysis.methods.spc_options import SpcOptions
from qms_mcp.services.analysis.methods.spc_picture import drawn
from qms_mcp.services.analysis.methods.spc_reading import Read, read
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.spc.assumptions import flags_of
from qms_mcp.statistics.spc.stages import control_chart


def compute(table: Table, options: SpcOptions) -> Computed[SpcChart]:
    """Return the control chart of a table.

    Raises:
        InvalidInputError: The table can't be charted as asked for; the message says why.
    """
    made_of = read(table, options)
    _refuse_another_unit(made_of, options)
    settings = options.settings(made_of.kind)
    chart = control_chart(
        made_of.kind,
        made_of.observations,
        settings,
        made_of.stages,
        excluded=[number - 1 for number in options.exclude],
        iterate=options.iterate,
    )
    flags = (*made_of.flags, *flags_of(chart, made_of.observations))
    answer = answered(made_of, chart, options, settings, flags)
    return Computed(answer, made_of.n, drawn(made_of, chart, answer))


def _refuse_another_unit(made_of: Read, options: SpcOptions) -> None:
    unit = options.baseline.unit if options.baseline else ""
    if unit and made_of.unit and unit != made_of.unit:
        raise InvalidInputError(
            f"The baseline is in {unit}, {made_of.value} in {made_of.unit}.", hint="Convert the values first."
        )


SPC_CHART = Method("spc_chart", "1", SpcOptions, compute)
