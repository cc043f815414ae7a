"""Search over every record and document, and the cases that resemble one."""
