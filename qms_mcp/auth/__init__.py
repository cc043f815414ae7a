"""Who is acting: principals, tokens, passwords."""
