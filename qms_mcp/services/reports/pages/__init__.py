"""How a report looks: Markdown (what is kept as the content), one page of HTML, a PDF."""
