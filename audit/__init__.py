"""The record of who did what, when and why. It knows nobody: all it holds is text."""
