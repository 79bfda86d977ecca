"""What an assistant obeys, as pure functions: the document, its validation and digest, its states, `decide`.

No Django, no Celery, no database, no clock and no I/O. The console and every assistant run this same code, so that
what a preview says is what an assistant does.
"""
