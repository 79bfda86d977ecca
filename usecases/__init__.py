"""The owners' side: use cases, guardrails, drafts, versions and kill switches."""
