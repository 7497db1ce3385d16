"""The store: claims, arguments and beliefs, the raters' queue and their answers, in a database.

Import from its modules: `database` (open it), `graphs` (whole graphs), `claims` (one thing at a time), `queue`,
`raters`, `export`, and `tables` beneath them. It knows nothing of models, pages or the command line.
"""
