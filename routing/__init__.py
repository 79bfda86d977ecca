"""The machines' side: the config document and its decision engine, assistants, delivery, decisions and replay.

A use case is named here by its slug, never by a model of `usecases`. `engine` and `runtime` run inside assistants
and import neither Django nor a database driver.
"""
