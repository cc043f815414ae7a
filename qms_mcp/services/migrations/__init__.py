"""Schema changes as drafts: linted, rehearsed in a transaction that is rolled back, approved by a person, applied once.

- `models`: what the tools answer (light: imported at start-up)
- `script`: a script cut into statements, and their words
- `refusals`: what a draft may not hold at all, because it would reach beyond the rehearsal
- `lint`: what is legal and unwise
- `effects`: what the rehearsal did to the catalogue; what it must not have done
- `service`: drafts, rehearsals and their application
"""
