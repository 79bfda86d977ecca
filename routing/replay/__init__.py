"""Replay: stored decisions as columns, any config document in, its impact out. Pure functions over NumPy arrays.

No model is called and nothing is stored. What a document does with a request is never written here a second time:
conditions, bands, rules and thresholds are asked of `routing.engine`, once for each thing that can differ, and then
looked up for a million rows. No Django, no database, no clock but for timing.
"""
