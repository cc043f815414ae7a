"""How complete and consistent a record, a document or a set of rows is, by named rules."""
