"""The decisions' table: partitioned by id, which is a UUIDv7 and so ordered by time.

A primary key of a partitioned table must contain the partition key. With the id as the key, "sent twice counts once"
is the primary key's own promise, across all partitions. Ids of other kinds live in the default partition.
"""

from django.db import migrations

CREATE = """
CREATE TABLE routing_decision (
    id uuid PRIMARY KEY,
    request_id varchar(200) NOT NULL,
    use_case varchar(80) NOT NULL,
    version integer NOT NULL,
    digest varchar(64) NOT NULL,
    state varchar(16) NOT NULL,
    instance varchar(120) NOT NULL,
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    attributes jsonb NOT NULL,
    text text NOT NULL,
    answer text NOT NULL,
    model varchar(120) NOT NULL,
    tried jsonb NOT NULL,
    confidence double precision,
    signal varchar(16) NOT NULL,
    band varchar(80) NOT NULL,
    action varchar(16) NOT NULL,
    rule varchar(80) NOT NULL,
    queue varchar(80) NOT NULL,
    reason varchar(32) NOT NULL,
    detail text NOT NULL,
    audited boolean NOT NULL,
    audit_share double precision NOT NULL,
    holdout boolean NOT NULL,
    cost_usd double precision NOT NULL,
    latency_ms double precision NOT NULL,
    tokens_in integer NOT NULL,
    tokens_out integer NOT NULL,
    prompt varchar(200) NOT NULL,
    retrieval_index varchar(200) NOT NULL,
    sources jsonb NOT NULL,
    input_digest varchar(64) NOT NULL,
    trace_id varchar(64) NOT NULL
) PARTITION BY RANGE (id);
CREATE TABLE routing_decision_other PARTITION OF routing_decision DEFAULT;
CREATE INDEX decision_use_case_at ON routing_decision (use_case, at DESC, id);
CREATE INDEX decision_request ON routing_decision (use_case, request_id);
CREATE INDEX decision_version ON routing_decision (use_case, version);
"""


class Migration(migrations.Migration):
    dependencies = [("routing", "0001_initial")]

    operations = [migrations.RunSQL(CREATE, "DROP TABLE routing_decision")]
