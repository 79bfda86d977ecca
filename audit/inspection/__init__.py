"""Inspect the whole record: every value, leaf, link, subtree and checkpoint is computed anew, every fault is named.

Reads the database through psycopg alone, so that processes of its own start in no time. `whole.inspect` is the way in.
"""
