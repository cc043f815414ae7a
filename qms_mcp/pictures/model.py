"""A picture described, not drawn: what is shown, by its meaning. How it looks is decided in `drawing`.

The same description gives the same bytes, so it is what is kept with a calculation and drawn again when asked for.
Colours are roles: every role has a shape or a line style of its own too, so nothing is told by colour alone.
"""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

Role: TypeAlias = Literal["data", "second", "third", "muted", "signal", "good"]
Style: TypeAlias = Literal["line", "points", "line_points", "bars", "barh", "steps", "area", "box"]
LevelKind: TypeAlias = Literal["center", "control", "warning", "spec", "target", "fit"]
Format: TypeAlias = Literal["svg", "png"]
Theme: TypeAlias = Literal["light", "dark"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Series(_Part):
    """Values drawn together.

    Attributes:
        y: The values; None is a gap. For `box`: five numbers a box (whisker, quartile, median, quartile, whisker).
        x: Where; 1, 2, ... (or one category after the other) if left out.
        style: How.
        name: For the legend; none if empty.
        role: What they mean.
        right: They belong to the scale on the right (a Pareto's cumulated per cent).
        width: Of bars, in units of x.
        low: Lower ends of intervals around the values, as many as `y`; no intervals if left out.
        high: Upper ends of them.
    """

    y: tuple[float | None, ...]
    x: tuple[float, ...] = ()
    style: Style = "line_points"
    name: str = ""
    role: Role = "data"
    right: bool = False
    width: float = 0.8
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


class Level(_Part):
    """A horizontal line with a label: a limit, a centre. `upright` turns it into a vertical one (histograms).

    Attributes:
        values: One value, or one for each x when the limits change from point to point.
        x: From where to where; all along if left out.
    """

    values: tuple[float | None, ...]
    kind: LevelKind
    label: str = ""
    x: tuple[float, ...] = ()
    upright: bool = False


class Mark(_Part):
    """A point to look at: a signal, with the rules it breaks as its label."""

    x: float
    y: float
    label: str = ""
    role: Role = "signal"


class Divider(_Part):
    """A vertical line with words: where a stage begins, where a change was found."""

    x: float
    label: str = ""


class Band(_Part):
    """A shaded range of y: a zone, a confidence band given by two series of values."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    x: tuple[float, ...] = ()
    label: str = ""
    role: Role = "muted"


class Panel(_Part):
    """One pair of axes.

    Attributes:
        categories: Names below the x scale, at 1, 2, ...; the drawing thins them out when there are many.
        percent_right: The scale on the right runs from 0 to 100 %.
    """

    series: tuple[Series, ...] = ()
    title: str = ""
    x_label: str = ""
    y_label: str = ""
    levels: tuple[Level, ...] = ()
    marks: tuple[Mark, ...] = ()
    dividers: tuple[Divider, ...] = ()
    bands: tuple[Band, ...] = ()
    categories: tuple[str, ...] = ()
    percent_right: bool = False
    log_y: bool = False


class Picture(_Part):
    """A picture: panels one above the other (or side by side), under one title.

    Attributes:
        title: What it shows, of what.
        subtitle: Limits, n, method, in a line.
        notes: Lines below: what to know beside it.
        alt: What somebody who can't see it should know; the headline of the answer.
    """

    title: str
    panels: tuple[Panel, ...]
    subtitle: str = ""
    notes: tuple[str, ...] = ()
    alt: str = ""
    side_by_side: bool = False
