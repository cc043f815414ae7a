"""Files of each kind a person may ingest, made when a test asks for one."""

import hashlib
import io
import struct
import zipfile
import zlib
from email.message import EmailMessage
from functools import cache
from typing import Any

SOP = """
#set page(paper: "a4", margin: 2.5cm,
  header: [ACME Medical GmbH #h(1fr) SOP-014 Rev. 3],
  footer: context [Confidential #h(1fr) Page #counter(page).display() of 4])
#set document(title: "SOP-014 Complaint handling", author: "Ada Example")
= SOP-014 Complaint handling
== 1 Purpose
This procedure describes how complaints are handled, from the first word of a customer to the answer.
== 2 Responsibilities
#table(columns: 2, [Role], [Duty], [QA], [Review shall be done within 5 days], [RA], [Décide])
#pagebreak()
== 3 Procedure
=== 3.1 Intake
The complaint owner shall record each complaint. The text of this paragraph is long enough to be broken over more than
one line on the page, and it has to come out as one paragraph again.
- first point
- second point
#pagebreak()
=== 3.2 Triage
The reviewer must decide within two days.
#pagebreak()
== 4 Records
Records are kept.
"""


@cache
def pdf(source: str = SOP) -> bytes:
    """Return a PDF of Typst markup."""
    import typst

    return bytes(typst.compile(source.encode()))


def plain_pdf(lines_of_pages: list[list[str]], *, encrypted: bool = False) -> bytes:
    """Return a PDF written by hand: Helvetica, one size, no structure; with a password if `encrypted`."""
    lock = _Lock() if encrypted else None
    count = len(lines_of_pages)
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(count))
    bodies: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for place, lines in enumerate(lines_of_pages):
        shown = "".join(f"({line}) Tj 0 -16 Td\n" if line else "0 -16 Td\n" for line in lines)
        stream = f"BT /F1 11 Tf 60 780 Td\n{shown}ET".encode("latin-1")
        number = 5 + 2 * place
        stream = lock.locked(stream, number) if lock else stream
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {number} 0 R"
        bodies.append(f"{page} /Resources << /Font << /F1 3 0 R >> >> >>".encode())
        bodies.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    if lock:
        bodies.append(lock.dictionary())
    return _assembled(bodies, lock)


class _Lock:
    """The standard security handler, revision 2: RC4 with 40 bits, and a user password."""

    _PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
    IDENTITY = b"0123456789abcdef"

    def __init__(self) -> None:
        password = (b"secret" + self._PAD)[:32]
        self.owner = _rc4(hashlib.md5(password, usedforsecurity=False).digest()[:5], password)
        seed = password + self.owner + struct.pack("<i", -4) + self.IDENTITY
        self.key = hashlib.md5(seed, usedforsecurity=False).digest()[:5]
        self.user = _rc4(self.key, self._PAD)

    def locked(self, stream: bytes, number: int) -> bytes:
        seed = self.key + struct.pack("<I", number)[:3] + b"\0\0"
        return _rc4(hashlib.md5(seed, usedforsecurity=False).digest()[:10], stream)

    def dictionary(self) -> bytes:
        owner, user = self.owner.hex().encode(), self.user.hex().encode()
        return b"<< /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >>" % (owner, user)


def _rc4(key: bytes, content: bytes) -> bytes:
    state = list(range(256))
    other = 0
    for place in range(256):
        other = (other + state[place] + key[place % len(key)]) % 256
        state[place], state[other] = state[other], state[place]
    one = other = 0
    result = bytearray()
    for byte in content:
        one = (one + 1) % 256
        other = (other + state[one]) % 256
        state[one], state[other] = state[other], state[one]
        result.append(byte ^ state[(state[one] + state[other]) % 256])
    return bytes(result)


def _assembled(bodies: list[bytes], lock: _Lock | None) -> bytes:
    result = bytearray(b"%PDF-1.4\n")
    places: list[int] = []
    for number, body in enumerate(bodies, 1):
        places.append(len(result))
        result += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(result)
    result += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    result += b"".join(b"%010d 00000 n \n" % place for place in places)
    locked = b" /Encrypt %d 0 R /ID [<%s> <%s>]" % (len(bodies), *[_Lock.IDENTITY.hex().encode()] * 2) if lock else b""
    return bytes(
        result + b"trailer\n<< /Size %d /Root 1 0 R%s >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, locked, start)
    )


def scanned_pdf() -> bytes:
    """Return a PDF with a picture and no text."""
    image = zlib.compress(bytes(64 * 64))
    drawing = b"q 500 0 0 700 40 60 cm /Im Do Q"
    return _assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            (
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
                b" /Resources << /XObject << /Im 5 0 R >> >> >>"
            ),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
            b"<< /Type /XObject /Subtype /Image /Width 64 /Height 64 /ColorSpace /DeviceGray /BitsPerComponent 8"
            b" /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(image), image),
        ],
        None,
    )


def docx() -> bytes:
    """Return a Word document with styles, a table, a header and a footer."""
    import docx as word

    document = word.Document()
    document.core_properties.title = "WI-007 Cleaning"
    document.core_properties.author = "Bob Example"
    document.sections[0].header.paragraphs[0].text = "ACME header"
    document.add_heading("WI-007 Cleaning", 0)
    document.add_paragraph("Revision: 4")
    document.add_heading("1 Purpose", 1)
    document.add_paragraph("The operator shall clean the tank *now* # daily. It may be filled again.")
    document.add_heading("1.1 Détails", 2)
    table = document.add_table(2, 2)
    for row, column, text in ((0, 0, "Role"), (0, 1, "Duty|side"), (1, 0, "QA"), (1, 1, "Line one\nLine two")):
        table.cell(row, column).text = text
    return _saved(document)


def docx_without_styles() -> bytes:
    """Return a Word document whose headings are numbered lines, and which has a list."""
    import docx as word

    document = word.Document()
    for text in (
        "SOP-021 Labelling", "1 Purpose", "Labels are controlled.", "2 Procedure", "2.1 Printing",
        "Print the label.", "1. Open the printer.", "2. Insert the roll.", "3 Records", "Keep the label.",
    ):  # fmt: skip
        document.add_paragraph(text)
    return _saved(document)


_NUMBERING = """<w:abstractNum xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"
w:abstractNumId="90"><w:multiLevelType w:val="multilevel"/>
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1"/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2"/></w:lvl></w:abstractNum>"""
_LIST = """<w:num xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"
w:numId="90"><w:abstractNumId w:val="90"/></w:num>"""


def docx_with_counted_headings() -> bytes:
    """Return a Word document whose headings get their numbers from their styles, as most procedures have them."""
    import docx as word
    from docx.oxml import parse_xml

    document: Any = word.Document()
    numbering = document.part.numbering_part.element
    numbering.insert(0, parse_xml(_NUMBERING))
    numbering.append(parse_xml(_LIST))
    for name, level in (("Heading 1", 0), ("Heading 2", 1)):
        properties = document.styles[name].element.get_or_add_pPr().get_or_add_numPr()
        properties.get_or_add_numId().val = 90
        properties.get_or_add_ilvl().val = level
    document.add_heading("SOP-030 Intake of goods", 0)
    for text, level in (("Purpose", 1), ("Procedure", 1), ("Intake", 2), ("Release", 2), ("Records", 1), ("Intake", 2)):
        document.add_heading(text, level)
        document.add_paragraph(f"What is said of {text.lower()}.")
    return _saved(document)


def xlsx() -> bytes:
    """Return a workbook of two filled sheets and an empty one."""
    import openpyxl

    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    calibration = workbook.create_sheet("Calibration")
    for row in (["Id", "Due", "Value"], ["G-1", "2026-01-01", 1.5], ["G|2", None, 3]):
        calibration.append(row)
    workbook.create_sheet("Empty")
    suppliers = workbook.create_sheet("Suppliers")
    for row in (["Approved suppliers"], [], ["Name", "State"], ["Acme", "approved"]):
        suppliers.append(row)
    return _saved(workbook)


def pptx() -> bytes:
    """Return two slides, the second with a table."""
    import pptx as powerpoint

    slides: Any = powerpoint.Presentation()
    first = slides.slides.add_slide(slides.slide_layouts[1])
    first.shapes.title.text = "Training on GMP"
    first.placeholders[1].text = "Hands are washed\nGowns shall be worn"
    second = slides.slides.add_slide(slides.slide_layouts[5])
    second.shapes.title.text = "Second"
    table = second.shapes.add_table(2, 2, 0, 0, 1_000_000, 1_000_000).table
    for row, column, text in ((0, 0, "H1"), (0, 1, "H2"), (1, 0, "a"), (1, 1, "b")):
        table.cell(row, column).text = text
    return _saved(slides)


def letter() -> bytes:
    """Return an e-mail with two bodies and two attachments."""
    message = EmailMessage()
    message["Subject"] = "Complaint \u2013 Löcher"
    message["From"] = "Ann Example <ann@example.org>"
    message["To"] = "quality@example.org"
    message["Date"] = "Mon, 02 Feb 2026 10:00:00 +0000"
    message.set_content("Hello,\n\nthe pump has holes. It must be replaced.\n")
    message.add_alternative("<p>Hello</p>", subtype="html")
    message.add_attachment(b"\x89PNG\r\n\x1a\n", maintype="image", subtype="png", filename="photo.png")
    message.add_attachment(b"a,b\n", maintype="text", subtype="csv", filename="lots.csv")
    return bytes(message)


def zip_of(entries: dict[str, bytes]) -> bytes:
    """Return a zip archive."""
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return result.getvalue()


def lying_archive(entries: dict[str, bytes], name: str) -> bytes:
    """Return a zip archive whose directory says that an entry is 100 bytes large."""
    content = bytearray(zip_of(entries))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        size = struct.pack("<I", archive.getinfo(name).file_size)
    while (place := content.find(size)) >= 0:
        content[place : place + 4] = struct.pack("<I", 100)
    return bytes(content)


def _saved(document: Any) -> bytes:
    result = io.BytesIO()
    document.save(result)
    return result.getvalue()
