"""The HTTP API: one module a resource, schemas beside them. Every refusal is a problem document (RFC 9457)."""

from console.api import problems
from console.api.description import Described

ROUTERS = (
    ("", "console.api.assistants.router"),
    ("/use-cases", "console.api.use_cases.router"),
    ("/use-cases", "console.api.files.router"),
    ("/use-cases", "console.api.changes.router"),
    ("/use-cases", "console.api.what_if.router"),
    ("/use-cases", "console.api.calibrations.router"),
    ("/use-cases", "console.api.promises.router"),
    ("/use-cases", "console.api.imports.router"),
    ("/use-cases", "console.api.access.router"),
    ("/use-cases", "console.api.units.of_use_case"),
    ("/units", "console.api.units.router"),
    ("/access-reviews", "console.api.access_reviews.router"),
    ("/people", "console.api.people.router"),
    ("/use-cases", "console.api.one_pagers.router"),
    ("", "console.api.config_schemas.router"),
    ("/lanes", "console.api.lanes.router"),
    ("/use-cases", "console.api.lanes.of_use_case"),
    ("/use-cases", "console.api.golden_sets.router"),
    ("", "console.api.kill_switches.router"),
    ("/tokens", "console.api.tokens.router"),
    ("/audit", "console.api.audit.router"),
    ("/audit", "console.api.evidence.router"),
)

ABOUT = """\
Turn the knobs of AI assistants, stop them, and see what each of them enforces.

Send a token as `Authorization: Bearer …`. A person's acts as that person, and where its scope is `read` may only `GET`;
an assistant's serves the use cases it names. What the caller may not see is answered like what is not there (404).

Refusals are problem documents (RFC 9457). `errors` names everything that is wrong with what was sent; where gates
refused a change, `checks` tells all of them, with what would clear each.

Lists come newest first and are read on with `before`. Writing the same twice changes nothing the second time.
"""

api = Described(
    title="Operator console",
    version="1",
    description=ABOUT,
    docs_url=None,
    openapi_url="openapi.json",
    urls_namespace="api",
)
problems.install(api)
for prefix, router in ROUTERS:
    api.add_router(prefix, router)
