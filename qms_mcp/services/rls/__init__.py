"""Row-level security: written from templates, proven by a test, checked by acting as every role."""
