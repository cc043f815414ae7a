"""From entities, fields and relations to a migration in the style of the house."""
