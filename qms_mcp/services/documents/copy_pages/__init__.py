"""How a controlled copy looks: the content as blocks, and those as a page of HTML or a PDF."""
