"""Pages over all use cases: portfolio, audit, assistants, tokens, sign-in, errors. Those of one: `usecases.views`."""
