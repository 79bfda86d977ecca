"""The record's part of Django's command line."""
