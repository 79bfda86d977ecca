"""A million events over a thousand use cases, as a busy organisation writes them, for the benchmark `audit_page`."""

import psycopg

SEED = """
INSERT INTO audit_event (id, uid, at, kind, sentence, actor, actor_kind, entry_point, request_id, use_case, version,
                         reason, old, new, salts, digests, erased_by)
SELECT n, gen_random_uuid(), timestamptz '2026-01-01' + n * interval '25 seconds', kind,
       CASE WHEN kind = 'version.applied' THEN format('%%s from %%s instead of 0.85, in effect at once.', label, value)
            WHEN kind = 'rollout.converged' THEN format('All %%s assistants confirmed r%%s, the last after 0.%%s s.',
                                                        1 + n %% 50, n / 1000, n %% 97)
            WHEN kind LIKE 'kill_switch%%' THEN 'Sent to its baseline.'
            ELSE format('%%s of change %%s.', initcap(split_part(kind, '.', 2)), n %% 211) END,
       actor, CASE WHEN kind = 'rollout.converged' THEN 'system' ELSE 'person' END, 'page', md5((n / 2)::text),
       CASE WHEN n %% 200 = 0 THEN '' ELSE 'case-' || (n * 7919) %% 1000 END, n / 1000,
       CASE WHEN kind = 'rollout.converged' THEN '' WHEN n %% 333333 = 5 THEN 'A marten has bitten through the cables.'
            ELSE format('Complaints of week %%s came from the lowest tenth of answers, ticket T-%%s.',
                        n %% 52, n %% 9973) END,
       CASE WHEN kind = 'version.applied' THEN jsonb_build_object(path, 0.85) END,
       CASE WHEN kind = 'version.applied' THEN jsonb_build_object(path, value) ELSE '{"change": 1}'::jsonb END,
       decode(repeat('01', 80), 'hex'), decode(repeat('02', 160), 'hex'), ''
FROM (
    SELECT n, value,
           CASE WHEN kind = 'rollout.converged' THEN 'console' ELSE 'person-' || (n * 31) %% 300 END AS actor,
           CASE WHEN n %% 300000 = 77 THEN 'guardrail.set' ELSE kind END AS kind,
           CASE WHEN n %% 250000 = 1000 THEN 'rules.vip.answer_from' ELSE path END AS path,
           CASE WHEN n %% 250000 = 1000 THEN 'Rule “vip” answers' ELSE label END AS label
    FROM (
        SELECT n, n %% 97 / 100.0 AS value,
               (ARRAY['version.applied', 'rollout.converged', 'change.submitted', 'rollout.converged',
                      'change.approved', 'version.applied', 'rollout.converged', 'kill_switch.engaged',
                      'kill_switch.restored', 'what_if.kept'])[1 + (n * 13) %% 10] AS kind,
               (ARRAY['bands.answer.from', 'thresholds.cost_per_task_usd', 'thresholds.audit_share'])[1 + n / 10 %% 3]
               AS path, (ARRAY['Answer', 'Cost cap', 'Audited at random'])[1 + n / 10 %% 3] AS label
        FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
    ) AS drawn
) AS told
"""
LINKS = """
INSERT INTO audit_link (seq, event_id, leaf, head)
SELECT id, id, sha256(int8send(id)), sha256(int8send(-id)) FROM audit_event ORDER BY id
"""
STEP = 100_000


def seed(url: str, count: int) -> None:
    """Write events beside the chain's triggers, and links with leaves that say nothing: no page reads into them."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_get_indexdef('event_terms'::regclass)").fetchone()
        connection.execute("DROP INDEX event_terms")  # made at once it takes a third of the time
        connection.execute("ALTER TABLE audit_event DISABLE TRIGGER audit_seal")
        for first in range(1, count + 1, STEP):
            connection.execute(SEED.encode(), {"first": first, "last": min(first + STEP - 1, count)})
        connection.execute("ALTER TABLE audit_event ENABLE TRIGGER audit_seal")
        connection.execute(LINKS.encode())
        assert row
        connection.execute("SET maintenance_work_mem = '256MB'")
        connection.execute(row[0].encode())
        connection.execute("ALTER INDEX event_terms ALTER COLUMN 1 SET STATISTICS 0")
        connection.execute("SELECT setval('audit_event_id_seq', %s)", [count])
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE audit_event, audit_link")
