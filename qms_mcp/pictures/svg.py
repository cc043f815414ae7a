"""An SVG as matplotlib writes it, made one that follows the reader: colours by name, their fonts, title and words.

The tree is rebuilt from elements and attributes, never from text, so words stay words whatever is in them. Names of
classes and ids begin with a key of the picture, so that several can stand in one page.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree import ElementTree as ET

from qms_mcp.pictures.model import Picture
from qms_mcp.pictures.palette import COLOURS, name_of
from qms_mcp.pictures.words import Words, cleaned

_SVG: Final = "http://www.w3.org/2000/svg"
_LINK: Final = "{http://www.w3.org/1999/xlink}href"
_FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif"
_COLOUR = re.compile(r"#fe[0-9a-f]{2}7b")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_DROPPED = frozenset({"font-family", "stroke-miterlimit", "text-anchor: start"})


def finished(drawn: bytes, picture: Picture, words: Words, key: str) -> bytes:
    """Return an SVG with named colours, the reader's fonts, a title and a description.

    Args:
        drawn: What matplotlib wrote, in stand-in colours.
        picture: What it shows.
        words: What stand-ins of letters mean.
        key: Of the picture.
    """
    root = ET.fromstring(drawn)  # noqa: S314 - written by matplotlib a moment ago, text escaped
    classes: dict[str, str] = {}
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"}:
                parent.remove(child)
    for element in root.iter():
        _rework(element, words, key, classes)
    _flatten(root)
    head = _head(picture, key, classes)
    for place, element in enumerate(head):
        root.insert(place, element)
    width, height = (float(root.attrib[side].removesuffix("pt")) for side in ("width", "height"))
    root.attrib.clear()
    root.attrib.update(
        {
            "viewBox": f"0 0 {width:g} {height:g}",
            "width": f"{width:g}",
            "height": f"{height:g}",
            "class": f"q{key}",
            "role": "img",
            "aria-labelledby": f"q{key}t q{key}d",
        }
    )
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _LINK[1:].partition("}")[0])
    return ET.tostring(root, encoding="unicode").encode()


def _rework(element: ET.Element, words: Words, key: str, classes: dict[str, str]) -> None:
    """Give an element classes instead of styles and ids that are its picture's own; drop ids nothing refers to."""
    if element.tag == f"{{{_SVG}}}text" and element.text:
        element.text = words.meant(element.text)
    else:
        element.text = None
    element.tail = None
    painted = "".join(f";{name}: {element.attrib.pop(name)}" for name in ("fill", "stroke") if name in element.attrib)
    if style := element.attrib.pop("style", "") + painted:
        css = _css(style, key)
        if css:
            element.attrib["class"] = f"q{key}{classes.setdefault(css, f'c{len(classes)}')}"
    if element.tag in {f"{{{_SVG}}}g", f"{{{_SVG}}}svg"}:
        element.attrib.pop("id", None)
    elif "id" in element.attrib:
        element.attrib["id"] = f"q{key}{element.attrib['id']}"
    if reference := element.attrib.get(_LINK):
        element.attrib[_LINK] = f"#q{key}{reference.removeprefix('#')}"
    for name, value in element.attrib.items():
        if "url(#" in value:
            element.attrib[name] = _REFERENCE.sub(rf"url(#q{key}\1)", value)
    turned = element.attrib.get("transform", "")
    if re.fullmatch(r"rotate\(-?0(\.0+)? [^)]*\)", turned):
        del element.attrib["transform"]


def _css(style: str, key: str) -> str:
    """Return declarations with colours by name; a reader that knows no names finds the light ones first."""
    said: list[str] = []
    for part in style.split(";"):
        name, _, value = part.partition(":")
        name, value = name.strip(), value.strip()
        if not name or name in _DROPPED or f"{name}: {value}" in _DROPPED:
            continue
        value = _REFERENCE.sub(rf"url(#q{key}\1)", value)
        stand_in = _COLOUR.fullmatch(value)
        known = name_of(value) if stand_in else None
        if known:
            said += [f"{name}:{COLOURS[known].light}", f"{name}:var(--{known})"]
        else:
            said.append(f"{name}:{value}")
    return ";".join(said)


def _flatten(root: ET.Element) -> None:
    """Take groups that say nothing out of the tree."""
    for parent in list(root.iter()):
        children = list(_unwrapped(parent))
        if children != list(parent):
            for child in list(parent):
                parent.remove(child)
            parent.extend(children)


def _unwrapped(parent: ET.Element) -> Iterator[ET.Element]:
    for child in parent:
        if child.tag == f"{{{_SVG}}}g" and not child.attrib:
            yield from _unwrapped(child)
        elif child.tag != f"{{{_SVG}}}defs" or len(child):
            yield child


def _head(picture: Picture, key: str, classes: Mapping[str, str]) -> list[ET.Element]:
    title = ET.Element(f"{{{_SVG}}}title", {"id": f"q{key}t"})
    title.text = cleaned(picture.title)
    told = ET.Element(f"{{{_SVG}}}desc", {"id": f"q{key}d"})
    told.text = cleaned(picture.alt or picture.subtitle or picture.title)
    style = ET.Element(f"{{{_SVG}}}style")
    light = "".join(f"--{name}:{both.light};" for name, both in COLOURS.items())
    dark = "".join(f"--{name}:{both.dark};" for name, both in COLOURS.items())
    root = f".q{key}"
    rules = [
        f"{root}{{{light}font-family:{_FONTS};stroke-linejoin:round;stroke-linecap:butt}}",
        f"@media (prefers-color-scheme:dark){{{root}:not([data-theme=light]){{{dark}}}}}",
        f"{root}[data-theme=dark]{{{dark}}}",
        *(f".q{key}{name}{{{css}}}" for css, name in classes.items()),
    ]
    style.text = "\n".join(rules)
    return [title, told, style]
