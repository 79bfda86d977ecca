"""The chain: what seals an event, for those to come and those that are there; and what keeps both as they are."""

import uuid
from itertools import islice

import django.utils.timezone
from django.db import migrations, models

from audit import leaves

BATCH = 5000

# The leaf's content is spelled here as `audit.leaves.content_bytes` spells it. PostgreSQL escapes JSON texts as RFC 8785
# does; the keys stand in their canonical order.
LEAF = r"""
CREATE FUNCTION audit_leaf(e audit_event) RETURNS bytea LANGUAGE sql STABLE AS $$
SELECT sha256('\x00'::bytea || convert_to(concat(
    '{"actor_kind":', to_json(e.actor_kind),
    ',"at":"', to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    '","digests":{"actor":"', encode(substring(e.digests FROM 1 FOR 32), 'hex'),
    '","new":"', encode(substring(e.digests FROM 33 FOR 32), 'hex'),
    '","old":"', encode(substring(e.digests FROM 65 FOR 32), 'hex'),
    '","reason":"', encode(substring(e.digests FROM 97 FOR 32), 'hex'),
    '","sentence":"', encode(substring(e.digests FROM 129 FOR 32), 'hex'),
    '"},"entry_point":', to_json(e.entry_point),
    ',"kind":', to_json(e.kind),
    ',"request_id":', to_json(e.request_id),
    ',"uid":"', e.uid,
    '","use_case":', to_json(e.use_case),
    ',"v":1,"version":', coalesce(e.version::text, 'null'), '}'), 'UTF8'))
$$;
"""

# Why two deferred triggers: a transaction's foreign keys are checked at commit too, and may wait there for rows that
# another transaction holds. Were the chain's lock taken among those checks, everybody's commit would wait with them. What
# the first trigger adds is judged after all that was waiting before it: the lock is taken last, and held for the commit
# alone. A row of `audit_pending` never outlives its transaction, so that table needs no log.
CHAIN = r"""
CREATE UNLOGGED TABLE audit_pending (event_id bigint NOT NULL, leaf bytea NOT NULL);

CREATE FUNCTION audit_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_pending VALUES (NEW.id, audit_leaf(NEW));
    RETURN NULL;
END $$;

CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last audit_link;
BEGIN
    PERFORM pg_advisory_xact_lock(7016996765293437281);
    SELECT * INTO last FROM audit_link ORDER BY seq DESC LIMIT 1;
    INSERT INTO audit_link (seq, event_id, leaf, head) VALUES (
        coalesce(last.seq, 0) + 1, NEW.event_id, NEW.leaf,
        sha256(coalesce(last.head, decode(repeat('00', 32), 'hex')) || NEW.leaf));
    DELETE FROM audit_pending WHERE ctid = NEW.ctid;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER audit_seal AFTER INSERT ON audit_event
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_seal();
CREATE CONSTRAINT TRIGGER audit_chain AFTER INSERT ON audit_pending
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_chain();
"""

# The guards fire in every mode of a session, replication's included.
GUARDS = r"""
CREATE FUNCTION audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record is kept as it was written: % of % is refused', lower(TG_OP), TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION audit_only_erased() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gone CONSTANT bytea := decode(repeat('00', 16), 'hex');
    wanted audit_event := OLD;
BEGIN
    IF substring(NEW.salts FROM 1 FOR 16) = gone AND NEW.actor = '' THEN
        wanted.salts := overlay(wanted.salts PLACING gone FROM 1);
        wanted.actor := '';
    END IF;
    IF substring(NEW.salts FROM 17 FOR 16) = gone AND NEW.new IS NULL THEN
        wanted.salts := overlay(wanted.salts PLACING gone FROM 17);
        wanted.new := NULL;
    END IF;
    IF substring(NEW.salts FROM 33 FOR 16) = gone AND NEW.old IS NULL THEN
        wanted.salts := overlay(wanted.salts PLACING gone FROM 33);
        wanted.old := NULL;
    END IF;
    IF substring(NEW.salts FROM 49 FOR 16) = gone AND NEW.reason = '' THEN
        wanted.salts := overlay(wanted.salts PLACING gone FROM 49);
        wanted.reason := '';
    END IF;
    IF substring(NEW.salts FROM 65 FOR 16) = gone AND NEW.sentence = '' THEN
        wanted.salts := overlay(wanted.salts PLACING gone FROM 65);
        wanted.sentence := '';
    END IF;
    IF wanted.salts = OLD.salts OR NEW.erased_at IS NULL OR NEW.erased_by = '' THEN
        RAISE EXCEPTION 'the record is kept as it was written: update of % is refused', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    wanted.erased_at := NEW.erased_at;
    wanted.erased_by := NEW.erased_by;
    IF NEW IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'the record is kept as it was written: an erasure of % changes nothing else', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER audit_event_update BEFORE UPDATE ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_only_erased();
ALTER TABLE audit_event ENABLE ALWAYS TRIGGER audit_event_update;
CREATE TRIGGER audit_event_delete BEFORE DELETE ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_kept();
ALTER TABLE audit_event ENABLE ALWAYS TRIGGER audit_event_delete;
CREATE TRIGGER audit_event_truncate BEFORE TRUNCATE ON audit_event EXECUTE FUNCTION audit_kept();
ALTER TABLE audit_event ENABLE ALWAYS TRIGGER audit_event_truncate;
""" + "".join(
    f"""
CREATE TRIGGER {table}_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION audit_kept();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_change;
CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION audit_kept();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_truncate;
"""
    for table in ("audit_link", "audit_subtree", "audit_checkpoint")
)

UNDO = """
DROP TRIGGER audit_seal ON audit_event;
DROP TRIGGER audit_event_update ON audit_event;
DROP TRIGGER audit_event_delete ON audit_event;
DROP TRIGGER audit_event_truncate ON audit_event;
DROP TRIGGER audit_link_change ON audit_link;
DROP TRIGGER audit_link_truncate ON audit_link;
DROP TRIGGER audit_subtree_change ON audit_subtree;
DROP TRIGGER audit_subtree_truncate ON audit_subtree;
DROP TRIGGER audit_checkpoint_change ON audit_checkpoint;
DROP TRIGGER audit_checkpoint_truncate ON audit_checkpoint;
DROP TABLE audit_pending;
DROP FUNCTION audit_seal;
DROP FUNCTION audit_chain;
DROP FUNCTION audit_kept;
DROP FUNCTION audit_only_erased;
DROP FUNCTION audit_leaf;
"""


FILL = """
UPDATE audit_event SET uid = sealed.uid, salts = sealed.salts, digests = sealed.digests
FROM unnest(%s::bigint[], %s::uuid[], %s::bytea[], %s::bytea[]) AS sealed (id, uid, salts, digests)
WHERE audit_event.id = sealed.id
"""


def seal_what_is_there(apps, schema_editor):
    """Chain the events of an installation made before, in order of id, in batches."""
    event, link = apps.get_model("audit", "Event"), apps.get_model("audit", "Link")
    rows = event.objects.order_by("id").iterator(chunk_size=BATCH)
    seq, head = 0, leaves.GENESIS
    while batch := list(islice(rows, BATCH)):
        filled, links = [], []
        for row in batch:
            uid, salts = str(uuid.uuid4()), leaves.new_salts()
            digests = leaves.commitments({name: getattr(row, name) for name in leaves.ERASABLE}, salts)
            plain = {name: getattr(row, name) for name in leaves.PLAIN}
            sealed = leaves.Plain(**plain | {"uid": uid, "at": leaves.moment(row.at)})
            leaf = leaves.leaf(leaves.content_bytes(sealed, digests))
            seq, head = seq + 1, leaves.head(head, leaf)
            filled.append((row.pk, uid, salts, digests))
            links.append(link(seq=seq, event_id=row.pk, leaf=leaf, head=head))
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(FILL, [list(column) for column in zip(*filled, strict=True)])
        link.objects.bulk_create(links)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Link",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                ("event_id", models.BigIntegerField(unique=True)),
                ("leaf", models.BinaryField()),
                ("head", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Subtree",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("root", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("size", models.BigIntegerField(primary_key=True, serialize=False)),
                ("root", models.BinaryField()),
                ("head", models.BinaryField()),
                ("previous", models.BinaryField()),
                ("at", models.DateTimeField()),
                ("key_id", models.CharField(max_length=16)),
                ("signature", models.BinaryField()),
            ],
            options={"get_latest_by": "size"},
        ),
        migrations.AlterField("event", "at", models.DateTimeField(default=django.utils.timezone.now)),
        migrations.AddField("event", "uid", models.UUIDField(editable=False, null=True)),
        migrations.AddField("event", "salts", models.BinaryField(null=True)),
        migrations.AddField("event", "digests", models.BinaryField(null=True)),
        migrations.AddField("event", "erased_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "event", "erased_by", models.CharField(blank=True, default="", max_length=150), preserve_default=False
        ),
        migrations.RunPython(seal_what_is_there, migrations.RunPython.noop),
        migrations.AlterField("event", "uid", models.UUIDField(editable=False, unique=True)),
        migrations.AlterField("event", "salts", models.BinaryField()),
        migrations.AlterField("event", "digests", models.BinaryField()),
        migrations.RunSQL(
            "ALTER TABLE audit_event ADD CONSTRAINT audit_event_sealed"
            " CHECK (octet_length(salts) = 80 AND octet_length(digests) = 160)",
            "ALTER TABLE audit_event DROP CONSTRAINT audit_event_sealed",
        ),
        migrations.RunSQL(LEAF + CHAIN + GUARDS, UNDO),
    ]
