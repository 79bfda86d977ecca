"""One assistant process: it obeys its use cases' config documents and answers callers.

It holds no database connection and imports nothing of ours but `routing.engine`. `python -m
routing.runtime` starts it; LiteLLM is imported in `completion` only, and only once a model is needed.
"""
