"""One migration for each revision of the schema, in the order of the revisions.

`schema_version` in the schema says what has run. Django's own table says what it has asked for.
"""
