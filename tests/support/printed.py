"""What is printed on the pages of a PDF."""

import io


def pages(pdf: bytes) -> list[str]:
    """Return the text of each page."""
    from pypdfium2 import PdfDocument

    with PdfDocument(io.BytesIO(pdf)) as opened:
        return [page.get_textpage().get_text_range().replace("\r\n", "\n") for page in opened]
