"""Pictures as files: the same each time, safe, and never in the way of what they show."""

import re
import struct
import threading
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest

from qms_mcp.pictures.drawing import draw
from qms_mcp.pictures.framing import framed
from qms_mcp.pictures.labels import Box, apart, beside, in_rows
from qms_mcp.pictures.model import Band, Divider, Level, Mark, Panel, Picture, Series
from qms_mcp.pictures.palette import COLOURS
from qms_mcp.pictures.scales import linear, logarithmic, number, reach
from qms_mcp.pictures.words import Words, cleaned, fitted, width_of, wrapped

SVG = "{http://www.w3.org/2000/svg}"


def picture(*values: float | None, title: str = "T", name: str = "", **panel: Any) -> Picture:
    return Picture(title=title, panels=(Panel(series=(Series(y=values, name=name),), **panel),), alt="What it says")


def tree(drawn: bytes) -> ET.Element:
    return ET.fromstring(drawn)  # noqa: S314 - drawn here


def texts(drawn: bytes) -> list[str]:
    return [element.text or "" for element in tree(drawn).iter(f"{SVG}text")]


def test_the_same_picture_gives_the_same_bytes_also_from_several_threads() -> None:
    shown = picture(1, 3, 2, levels=(Level(values=(2,), kind="center", label="Mean"),))
    expected = {form: draw(shown, form) for form in ("svg", "png")}
    found: list[bool] = []

    def again() -> None:
        found.extend(draw(shown, form) == expected[form] for form in ("svg", "png"))

    threads = [threading.Thread(target=again) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4
    assert b"date" not in expected["svg"].lower()


def test_settings_of_the_machine_do_not_count_and_are_left_alone() -> None:
    import matplotlib as mpl

    shown = picture(1, 3, 2)
    usual = draw(shown, "svg")
    with cast("Any", mpl).rc_context(
        {"axes.facecolor": "red", "font.size": 40.0, "text.parse_math": True, "svg.fonttype": "path"}
    ):
        assert draw(shown, "svg") == usual
        assert mpl.rcParams["font.size"] == 40.0


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "</text></svg><b>", "]]>&amp;\"'", "$x_1$ \\frac{1}", "a\x00b\u202egpj"]
)
def test_words_of_users_stay_words(hostile: str) -> None:
    shown = picture(1, 2, title=hostile, name=hostile, y_label=hostile, categories=(hostile, "b"))
    drawn = draw(shown, "svg")
    assert cleaned(hostile) in texts(drawn)
    tags = {element.tag.removeprefix(SVG) for element in tree(drawn).iter()}
    assert tags <= {"svg", "title", "desc", "style", "g", "path", "defs", "use", "text", "clipPath", "rect"}
    assert cleaned("a\x00b\u202egpj\ufeff") == "a bgpj"


def test_letters_dejavu_lacks_are_kept_in_svg_and_named_in_png() -> None:
    shown = picture(1, 2, title="温度 of مضخة 🚀", name="温度")
    assert "温度 of مضخة 🚀" in " ".join(texts(draw(shown, "svg")))
    assert "温度" in texts(draw(shown, "svg"))
    assert draw(shown, "png").startswith(b"\x89PNG")
    words = Words(picture(1, title="\U0001f9ff\U0001fae0"), "png")
    assert words.shown("\U0001f9ff") == "□" or len(words.families) > 1


def test_an_svg_says_what_it_is_and_has_both_schemes() -> None:
    root = tree(draw(picture(1, 2, title="Torque"), "svg"))
    title, description, style = root[0], root[1], root[2]
    assert (title.text, description.text) == ("Torque", "What it says")
    assert root.attrib["aria-labelledby"] == f"{title.attrib['id']} {description.attrib['id']}"
    assert "prefers-color-scheme:dark" in (style.text or "")
    assert "font-family:system-ui" in (style.text or "")
    assert root.attrib["width"] == "800"


def test_every_colour_in_an_svg_has_a_name() -> None:
    shown = Picture(
        title="T",
        panels=(
            Panel(
                series=tuple(
                    Series(y=(1, 2, 3), style=style, role=role, name=f"{style} {role}")
                    for style in ("bars", "line_points", "area", "points")
                    for role in ("data", "second", "third", "muted", "signal", "good")
                ),
                marks=(Mark(x=1, y=1, label="1"),),
                bands=(Band(low=(1,), high=(2,), label="zone"),),
            ),
        ),
    )
    drawn = draw(shown, "svg").decode()
    named = {colour for both in COLOURS.values() for colour in both}
    assert set(re.findall(r"#[0-9a-f]{6}\b", drawn)) <= named
    assert "#fe" not in drawn


def test_two_pictures_can_stand_in_one_page() -> None:
    ids = [
        {
            element.attrib["id"]
            for element in tree(draw(picture(1, 2, title=title), "svg")).iter()
            if "id" in element.attrib
        }
        for title in ("one", "two")
    ]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_a_png_has_two_pixels_for_each_and_its_own_ground() -> None:
    light, dark = (draw(picture(1, 2), "png", theme, 600) for theme in ("light", "dark"))
    assert struct.unpack(">I", light[16:20]) == (1200,)
    assert light != dark
    assert len(light) < 20_000


@pytest.mark.parametrize(
    "values",
    [(), (None,), (None, None, None), (5.0,), (5.0, 5.0, 5.0), (0.0, 0.0), (1e9, 1e9 + 0.001), (1e-12, 3e-12),
     (float("nan"), float("inf"), 1.0), (1e308, -1e308), (-3.0, None, 4.0), (1e300, 1.0), (5e-324, 0.0)],
)  # fmt: skip
def test_any_values_can_be_drawn_in_every_style(values: tuple[float | None, ...]) -> None:
    styles: list[Any] = ["line_points", "bars", "barh", "steps", "area", "box", "points", "line"]
    panels = tuple(Panel(series=(Series(y=values, style=style),), title=style) for style in styles)
    assert set(styles) <= set(texts(draw(Picture(title="T", panels=panels, side_by_side=True), "svg")))


def test_a_picture_without_panels_or_series_is_its_title() -> None:
    assert texts(draw(Picture(title="Nothing yet", panels=()), "svg")) == ["Nothing yet"]
    assert "Nothing yet" in texts(draw(Picture(title="Nothing yet", panels=(Panel(),)), "svg"))


def test_large_values_are_written_out_without_an_offset() -> None:
    said = texts(draw(picture(1e9 + 0.01, 1e9 + 0.03, 1e9 + 0.02), "svg"))
    assert "1000000000.020" in said or "1000000000.02" in said
    assert not any(text.startswith("+") for text in said)


def test_limits_say_their_value_once() -> None:
    levels = (
        Level(values=(2.5,), kind="control", label="UCL"),
        Level(values=(0.05,), kind="spec", label="Limit 5 %"),
        Level(values=(1.23456,), kind="center", label="Mean 1.235"),
        Level(values=(0.7,), kind="warning", label="Stage 2"),
    )
    said = texts(draw(picture(1, 2, levels=levels), "svg"))
    assert {"UCL 2.5", "Limit 5 %", "Mean 1.235", "Stage 2 0.7"} <= set(said)


def test_limits_that_change_go_up_and_down_between_points() -> None:
    from qms_mcp.pictures.plotting import stepped

    assert stepped((1, 2, 3), (5, 6, 4)) == ([0.5, 1.5, 1.5, 2.5, 2.5, 3.5], [5, 5, 6, 6, 4, 4])
    assert stepped((0.5, 8.5), (3, 3)) == ([0.5, 8.5], [3, 3])
    assert stepped((4,), (3,)) == ([3.5, 4.5], [3, 3])


def test_a_logarithmic_scale_of_what_has_none_is_linear_and_says_so() -> None:
    shown = picture(1, 10, 0, log_y=True)
    assert any("logarithmic" in text for text in texts(draw(shown, "svg")))
    assert framed(picture(1, 10, 5000, log_y=True).panels[0], Words(shown, "svg"), 300).y.log


def test_many_categories_are_thinned_out_and_few_are_all_named() -> None:
    many = draw(picture(*range(200), categories=tuple(f"Lot {at:04d}" for at in range(200))), "svg")
    assert 5 <= sum(text.startswith("Lot") for text in texts(many)) <= 20
    few = tuple(f"A rather long name {at}" for at in range(12))
    bars = Picture(title="T", panels=(Panel(series=(Series(y=tuple(range(12)), style="bars"),), categories=few),))
    assert sum(text.startswith("A rather") for text in texts(draw(bars, "svg"))) == 12


def test_bars_without_places_stand_side_by_side() -> None:
    series = (Series(y=(1, 2), style="bars"), Series(y=(3, 4), style="bars", role="second"))
    placed = framed(Panel(series=series), Words(picture(1), "svg"), 300).series
    assert [one.x for one in placed] == [(0.8, 1.8), (1.2, 2.2)]
    assert [one.width for one in placed] == [0.4, 0.4]


def test_panels_of_a_grid_that_show_one_thing_have_one_scale() -> None:
    panels = tuple(
        Panel(series=(Series(y=(at, at + 1.0)),), y_label="kN", levels=(Level(values=(9,), kind="spec", label="USL"),))
        for at in range(6)
    )
    said = texts(draw(Picture(title="T", panels=panels, side_by_side=True), "svg"))
    assert said.count("USL 9") == 2  # at the end of each row
    assert said.count("5") == 6  # a tick each


def test_two_thousand_points_make_a_file_one_can_send() -> None:
    values = tuple(float(at * 7919 % 997) for at in range(2_000))
    shown = picture(*values, marks=tuple(Mark(x=at, y=values[at - 1], label="1") for at in range(10, 2_000, 20)))
    assert len(draw(shown, "svg")) < 250_000


def test_labels_keep_apart_in_order_and_near() -> None:
    found = apart([100, 101, 102, 200], 15, 0, 300)
    assert found == [86, 101, 116, 200]
    assert apart([5, 5], 15, 0, 300) == [0, 15]
    crowded = apart([50.0] * 30, 15, 0, 100)
    assert min(crowded) >= 0
    assert max(crowded) <= 100 + 1e-9
    assert apart([], 15, 0, 100) == []


def test_labels_above_stand_in_rows_without_touching() -> None:
    assert in_rows([(0, 50), (40, 90), (100, 120), (45, 60)], gap=5) == [0, 1, 0, 2]


def test_a_label_of_a_point_avoids_what_is_there_or_is_left_out() -> None:
    within = Box(0, 0, 200, 200)
    above = beside((100, 100), (20, 10), [], within, up=True)
    assert above is not None
    assert above == Box(90, 81, 110, 91)
    below = beside((100, 100), (20, 10), [above], within, up=True)
    assert below is not None
    assert not below.touches(above)
    assert beside((100, 100), (20, 10), [within], within, up=True) is None


@pytest.mark.parametrize(
    ("value", "resolution", "said"),
    [(74.0312, 0.0001, "74.0312"), (0.0, 1, "0"), (-2.5, 0.1, "\u22122.5"), (1e9, 1e8, "1\u00d710⁹"),
     (2.5e-7, 1e-8, "2.5\u00d710⁻⁷"),
     (1e9 + 0.25, 0.01, "1000000000.25"), (1234567, 1, "1234567"), (float("nan"), 1, "")],
)  # fmt: skip
def test_numbers_are_written_to_what_can_be_seen(value: float, resolution: float, said: str) -> None:
    assert number(value, resolution) == said


def test_ticks_are_round_and_inside() -> None:
    scale = linear(*reach([0.013, 0.087]), 300, each=36)
    assert scale.labels[0] == "0.02"
    assert all(scale.low <= tick <= scale.high for tick in scale.ticks)
    assert logarithmic(0.5, 20_000).labels[:3] == ("1", "10", "100")
    assert logarithmic(2, 8).labels == ("2", "5")


def test_words_are_broken_at_spaces_and_long_ones_within() -> None:
    lines = wrapped("one two three " + "x" * 80, 12, 100, lines=20)
    assert lines[0] == "one two three"
    assert all(width_of(line, 12) <= 100 for line in lines)
    assert "".join(lines).replace(" ", "").count("x") == 80
    assert wrapped("a b " * 100, 12, 100, lines=2)[-1].endswith("…")
    assert width_of(fitted("a long label that does not fit", 12, 80), 12) <= 80


def test_dividers_and_upright_limits_are_named_above() -> None:
    said = texts(
        draw(
            picture(
                1, 2, 3, dividers=(Divider(x=2, label="New tool"),),
                levels=(Level(values=(1.5,), kind="spec", label="LSL", upright=True),),
            ),
            "svg",
        )
    )  # fmt: skip
    assert {"New tool", "LSL 1.5"} <= set(said)
