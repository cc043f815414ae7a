"""From facts to sections: pure functions, one module a subject."""
