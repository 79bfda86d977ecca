"""What a first look shows: three use cases, recorded model answers to their requests, and steady traffic.

No Django here. `model_server` stands in for a model provider, so that everything runs with no key and no
network; `traffic` sends the recorded requests through assistants as customers would.
"""
