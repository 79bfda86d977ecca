"""The front door: wiring, sign-in, home page, HTTP API and `manage.py up`."""
