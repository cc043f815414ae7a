"""SQL of the project: migrations, named queries, and the dumped schema."""
