"""Template tags of the owners' pages."""
