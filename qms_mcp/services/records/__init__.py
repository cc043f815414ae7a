"""Quality records: adding, changing and linking them, reading one, listing many, and following their links."""
