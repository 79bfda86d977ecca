"""Reads decision logs from elsewhere and maps them to what a use case's document would have decided.

Files in, rows out, one at a time; pure: no Django, no database. Writing them is `routing.actions.imported`, who may do
it and how it is recorded is `usecases.actions.imports`.
"""
