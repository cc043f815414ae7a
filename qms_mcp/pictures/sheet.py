"""What is drawn on: a matplotlib figure, in pixels from the top left as everything here is laid out."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Literal, TypeAlias, cast

from qms_mcp.pictures.model import Format
from qms_mcp.pictures.palette import Colours, Dash
from qms_mcp.pictures.words import Words

# matplotlib leaves the types of most keyword arguments open.
Axes: TypeAlias = Any
Side: TypeAlias = Literal["left", "center", "right"]
_DENSITY = 2  # pixels of a PNG for each of the layout
# All that decides the look is set here: what a machine or a user has set for matplotlib does not count.
SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "path.simplify": True,
    "axes.unicode_minus": True,
    "hatch.linewidth": 1.1,
}


class Sheet:
    """A figure to draw on.

    Args:
        width: In pixels.
        height: In pixels.
        colours: By name.
        words: As they can be drawn.
    """

    def __init__(self, width: float, height: float, colours: Colours, words: Words) -> None:
        from matplotlib.figure import Figure  # noqa: PLC0415

        self.width, self.height, self.colours, self.words = width, height, colours, words
        # 72 dots an inch: a point, in which matplotlib measures letters and lines, is a pixel.
        self.figure = cast("Any", Figure)(figsize=(width / 72, height / 72), dpi=72, facecolor=colours["paper"])

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return a pair of axes on a part of the sheet, with nothing on it."""
        whole = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(whole, facecolor="none")
        axes.tick_params(length=0, labelleft=False, labelbottom=False)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
        return axes

    def text(  # noqa: PLR0913 - what a text can be
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        colour: str = "ink",
        weight: Literal["normal", "bold"] = "normal",
        side: Side = "left",
        turned: float = 0.0,
        ground: bool = False,
    ) -> None:
        """Write a line of text that has been through `Words`; y is its middle, counted down from the top.

        Args:
            x: Where, in pixels.
            y: Where, in pixels.
            text: The line.
            size: Of the letters, in pixels.
            colour: By name.
            weight: Of the letters.
            side: Which of its sides is at x.
            turned: Degrees, anticlockwise.
            ground: Paper behind it, for words that stand among lines.
        """
        if not text:
            return
        box = {"facecolor": self.colours["paper"], "alpha": 0.8, "edgecolor": "none", "pad": 1.0} if ground else None
        self.figure.text(
            x / self.width,
            1 - y / self.height,
            text,
            fontsize=size,
            fontfamily=list(self.words.families),
            fontweight=weight,
            color=self.colours[colour],
            ha=side,
            va="center_baseline" if turned in {0.0, 90.0} else "center",
            rotation=turned,
            rotation_mode="anchor",
            bbox=box,
            zorder=10,
            parse_math=False,
        )

    def line(
        self,
        x: Sequence[float],
        y: Sequence[float],
        *,
        colour: str,
        width: float = 1.2,
        dash: Dash = "-",
        marker: str = "",
        marker_size: float = 6.0,
    ) -> None:
        """Draw a line across the sheet, as a legend or a leader needs it."""
        from matplotlib.lines import Line2D  # noqa: PLC0415

        drawn = cast("Any", Line2D)(
            [place / self.width for place in x],
            [1 - place / self.height for place in y],
            color=self.colours[colour],
            linewidth=width,
            linestyle=dash,
            marker=marker or "None",
            markersize=marker_size,
            markerfacecolor="none" if marker == "D" else self.colours[colour],
            markeredgecolor=self.colours[colour],
            transform=self.figure.transFigure,
        )
        self.figure.add_artist(drawn)

    def block(self, x: float, y: float, wide: float, high: float, *, colour: str, share: float, hatch: str) -> None:
        """Fill a rectangle, as a legend needs it."""
        from matplotlib.patches import Rectangle  # noqa: PLC0415

        self.figure.add_artist(
            Rectangle(
                (x / self.width, 1 - (y + high) / self.height),
                wide / self.width,
                high / self.height,
                facecolor=self.colours[colour],
                edgecolor=self.colours["paper"],
                linewidth=0,
                alpha=share if share < 1 else None,
                hatch=hatch or None,
                transform=self.figure.transFigure,
            )
        )

    def bytes(self, form: Format) -> bytes:
        """Return the sheet as an image."""
        written = BytesIO()
        if form == "svg":
            from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415

            cast("Any", FigureCanvasSVG)(self.figure).print_svg(written, metadata={"Date": None, "Creator": None})
        else:
            from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415

            self.figure.set_dpi(72 * _DENSITY)
            cast("Any", FigureCanvasAgg)(self.figure).print_png(written, metadata={"Software": None})
        return written.getvalue()
