"""The workflow of records: moving them, asking a person, and the state machines themselves."""
