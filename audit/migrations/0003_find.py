"""What the record is found by: the terms of an event in one inverted index, and indexes to list kinds and people.

The terms stand in an index alone, over an expression: no column of the record changes, and an erasure, which writes a
new row, takes the terms of the erased value along. `audit.search` asks for them.

A term of an event is one of: `=a:` actor, `=k:` kind, `=u:` use case, `=b:` and `=c:` the block of 4,096 or 65,536 ids
that it is in; and, behind the number of its larger block, a path that it changed (`1f=`) or a word of its sentence,
reason, actor or use case (`1f/`). The blocks let a search look among the newest events first, however common its terms
are; words and paths carry theirs since PostgreSQL reads all that begins with a prefix before it looks at other terms.
"""

from django.db import migrations, models

# A knob is touched where old and new differ; guardrails hold knobs one level deeper. What nobody would look for, beyond
# a thousand paths or a hundred thousand characters, is not worth refusing an event for. A plan with parallel workers
# would cost more to start than such a search takes. Quotes and dashes are taken out: in the locale C they are letters.
TERMS = r"""
CREATE FUNCTION audit_terms(
    id bigint, kind text, actor text, use_case text, sentence text, reason text, old jsonb, new jsonb
) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE COST 10000 AS $$
DECLARE
    was CONSTANT jsonb := CASE WHEN jsonb_typeof(old) = 'object' THEN old ELSE '{}' END;
    now CONSTANT jsonb := CASE WHEN jsonb_typeof(new) = 'object' THEN new ELSE '{}' END;
    block CONSTANT text := to_hex(id >> 16);
    terms text[] := ARRAY['=a:' || actor, '=k:' || kind, '=u:' || use_case,
                          '=b:' || to_hex(id >> 12), '=c:' || block];
BEGIN
    terms := terms || ARRAY(
        SELECT block || '=' || left(key, 300) FROM jsonb_each(was) AS o FULL JOIN jsonb_each(now) AS n USING (key)
        WHERE o.value IS DISTINCT FROM n.value LIMIT 1000);
    IF jsonb_typeof(was -> 'knobs') = 'object' AND jsonb_typeof(now -> 'knobs') = 'object' THEN
        terms := terms || ARRAY(
            SELECT block || '=' || left(key, 300)
            FROM jsonb_each(was -> 'knobs') AS o FULL JOIN jsonb_each(now -> 'knobs') AS n USING (key)
            WHERE o.value IS DISTINCT FROM n.value LIMIT 1000);
    END IF;
    RETURN array_to_tsvector(terms || ARRAY(
        SELECT block || '/' || left(word, 300) FROM unnest(tsvector_to_array(to_tsvector('pg_catalog.simple',
            translate(left(concat_ws(' ', sentence, reason, actor, use_case), 100000),
                      '“”„‚‘’«»–—…·', '            ')))) AS word));
END $$;

CREATE INDEX event_terms ON audit_event
    USING gin (audit_terms(id, kind, actor, use_case, sentence, reason, old, new))
    WITH (fastupdate = on, gin_pending_list_limit = 512);
ALTER INDEX event_terms ALTER COLUMN 1 SET STATISTICS 0;
"""
UNDO = "DROP INDEX event_terms; DROP FUNCTION audit_terms;"


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_chain")]

    operations = [
        migrations.RemoveIndex("event", "event_actor"),
        migrations.RemoveIndex("event", "event_kind"),
        migrations.AddIndex("event", models.Index(fields=["actor", "use_case", "-id"], name="event_actor")),
        migrations.AddIndex("event", models.Index(fields=["kind", "use_case"], name="event_kind")),
        migrations.AddIndex(
            "event",
            models.Index(fields=["request_id"], name="event_request", condition=~models.Q(request_id="")),
        ),
        migrations.RunSQL(TERMS, UNDO),
    ]
