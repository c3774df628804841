-- The operations of the ORM store that must lock a row before they look at what it guards.
--
-- Each locks in a statement of its own, reads the clock after that, and reads the guarded rows after that. A single
-- statement would go on with the snapshot, and an UPDATE with the time, that it had before it waited. What needs no
-- such care is plain SQL beside the facets.
--
-- {schema} is where the tables are. Times are microseconds since 1970 by the server's clock.

-- What reads items may not scan: a plan that a session made while the table was small would read a whole backlog later.

CREATE OR REPLACE FUNCTION {schema}.botstate_now() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint
$$;

-- kv

CREATE OR REPLACE FUNCTION {schema}.botstate_kv_set(
    p_digest uuid, p_namespace text, p_label text, p_value text, p_ttl_us bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
-- Store a value that expires.
DECLARE
    begun_us bigint := {schema}.botstate_now();
BEGIN
    INSERT INTO {schema}.botstate_kventry AS entry (digest, namespace, label, value, expires_us)
         VALUES (p_digest, p_namespace, p_label, p_value, begun_us + p_ttl_us)
    ON CONFLICT (digest) DO UPDATE SET value = p_value, expires_us = {schema}.botstate_now() + p_ttl_us;
    IF {schema}.botstate_now() - begun_us > 1000 THEN
        -- The row may be a new one whose insertion waited for another's to be rolled back.
        UPDATE {schema}.botstate_kventry SET expires_us = {schema}.botstate_now() + p_ttl_us WHERE digest = p_digest;
    END IF;
    RETURN true;
END
$$;

-- locks

CREATE OR REPLACE FUNCTION {schema}.botstate_lock_extend(p_digest uuid, p_token text, p_ttl_us bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
-- Let the live lease of p_token end p_ttl_us from now.
DECLARE
    held_until bigint;
    now_us bigint;
BEGIN
    SELECT expires_us INTO held_until FROM {schema}.botstate_lockrow
     WHERE digest = p_digest AND token = p_token FOR UPDATE;
    now_us := {schema}.botstate_now();
    IF held_until IS NULL OR held_until <= now_us THEN
        RETURN false;
    END IF;
    UPDATE {schema}.botstate_lockrow SET expires_us = now_us + p_ttl_us WHERE digest = p_digest;
    RETURN true;
END
$$;

-- dedup: an entry with a token is claimed, one without is done

CREATE OR REPLACE FUNCTION {schema}.botstate_dedup_record(
    p_digest uuid, p_namespace text, p_label text, p_token text, p_ttl_us bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
-- Record a new key, and say whether it was new. One that is not is found without a write.
DECLARE
    begun_us bigint := {schema}.botstate_now();
BEGIN
    PERFORM 1 FROM {schema}.botstate_dedupentry WHERE digest = p_digest AND expires_us > begun_us;
    IF FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO {schema}.botstate_dedupentry AS entry (digest, namespace, label, token, expires_us)
         VALUES (p_digest, p_namespace, p_label, p_token, begun_us + p_ttl_us)
    ON CONFLICT (digest) DO UPDATE SET token = p_token, expires_us = {schema}.botstate_now() + p_ttl_us
          WHERE entry.expires_us <= {schema}.botstate_now();
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF {schema}.botstate_now() - begun_us > 1000 THEN
        -- The row may be a new one whose insertion waited for another's to be rolled back.
        UPDATE {schema}.botstate_dedupentry SET expires_us = {schema}.botstate_now() + p_ttl_us WHERE digest = p_digest;
    END IF;
    RETURN true;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_dedup_commit(p_digest uuid, p_token text, p_ttl_us bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
-- Turn the live claim of p_token into done for p_ttl_us.
DECLARE
    claimed_until bigint;
    now_us bigint;
BEGIN
    SELECT expires_us INTO claimed_until FROM {schema}.botstate_dedupentry
     WHERE digest = p_digest AND token = p_token FOR UPDATE;
    now_us := {schema}.botstate_now();
    IF claimed_until IS NULL OR claimed_until <= now_us THEN
        RETURN false;
    END IF;
    UPDATE {schema}.botstate_dedupentry SET token = '', expires_us = now_us + p_ttl_us WHERE digest = p_digest;
    RETURN true;
END
$$;

-- lists: the items of a list are the `length` ones below its head's `next_seq`, without gaps

CREATE OR REPLACE FUNCTION {schema}.botstate_list_append(
    p_digest uuid, p_namespace text, p_label text, p_value text, p_max_len bigint, p_ttl_us bigint
) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
-- Add an item at the new end, keep the newest p_max_len, and return the length. Nulls: no bound, the expiry as it is.
DECLARE
    head record;
    now_us bigint;
    kept bigint;
BEGIN
    SELECT length, next_seq, expires_us INTO head
      FROM {schema}.botstate_listhead WHERE digest = p_digest FOR UPDATE;
    WHILE NOT FOUND LOOP
        INSERT INTO {schema}.botstate_listhead (digest, namespace, label, length, next_seq)
             VALUES (p_digest, p_namespace, p_label, 0, 0) ON CONFLICT DO NOTHING;
        SELECT length, next_seq, expires_us INTO head
          FROM {schema}.botstate_listhead WHERE digest = p_digest FOR UPDATE;
    END LOOP;
    now_us := {schema}.botstate_now();
    kept := head.length + 1;
    IF head.length = 0 THEN
        head.expires_us := NULL;
    ELSIF head.expires_us <= now_us THEN
        kept := 1;
        head.expires_us := NULL;
    ELSIF kept > p_max_len THEN
        kept := p_max_len;
    END IF;
    INSERT INTO {schema}.botstate_listitem (head_id, seq, value) VALUES (p_digest, head.next_seq, p_value);
    IF kept <= head.length THEN
        DELETE FROM {schema}.botstate_listitem WHERE head_id = p_digest
           AND seq BETWEEN head.next_seq - head.length AND head.next_seq - kept;
    END IF;
    UPDATE {schema}.botstate_listhead
       SET length = kept, next_seq = head.next_seq + 1, expires_us = COALESCE(now_us + p_ttl_us, head.expires_us)
     WHERE digest = p_digest;
    RETURN kept;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_list_trim(p_digest uuid, p_max_len bigint)
RETURNS boolean LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
-- Keep the newest p_max_len items; true if others went. An empty list does not exist: its head expires.
DECLARE
    head record;
BEGIN
    SELECT length, next_seq INTO head
      FROM {schema}.botstate_listhead WHERE digest = p_digest AND length > p_max_len FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM {schema}.botstate_listitem WHERE head_id = p_digest
       AND seq BETWEEN head.next_seq - head.length AND head.next_seq - p_max_len - 1;
    UPDATE {schema}.botstate_listhead
       SET length = p_max_len, expires_us = CASE WHEN p_max_len > 0 THEN expires_us ELSE {schema}.botstate_now() END
     WHERE digest = p_digest;
    RETURN true;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_list_delete(p_digest uuid) RETURNS boolean LANGUAGE plpgsql AS $$
-- Remove a list; true if it held live items.
DECLARE
    head record;
BEGIN
    SELECT length, expires_us INTO head FROM {schema}.botstate_listhead WHERE digest = p_digest FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM {schema}.botstate_listitem WHERE head_id = p_digest;
    DELETE FROM {schema}.botstate_listhead WHERE digest = p_digest;
    RETURN head.length > 0 AND (head.expires_us IS NULL OR head.expires_us > {schema}.botstate_now());
END
$$;

-- queues: the head counts waiting and claimed items alike; an item is claimed until its lease ends

CREATE OR REPLACE FUNCTION {schema}.botstate_queue_enqueue(
    p_digest uuid, p_namespace text, p_label text, p_value text, p_max_size bigint, p_drop_newest boolean,
    p_ttl_us bigint
) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
-- Add an item at the end, drop waiting ones above p_max_size, and return the depth. Nulls: no bound, the expiry as it is.
DECLARE
    head record;
    now_us bigint;
    place bigint;
BEGIN
    SELECT depth, next_seq, expires_us INTO head
      FROM {schema}.botstate_queuehead WHERE digest = p_digest FOR UPDATE;
    WHILE NOT FOUND LOOP
        INSERT INTO {schema}.botstate_queuehead (digest, namespace, label, depth, next_seq)
             VALUES (p_digest, p_namespace, p_label, 0, 0) ON CONFLICT DO NOTHING;
        SELECT depth, next_seq, expires_us INTO head
          FROM {schema}.botstate_queuehead WHERE digest = p_digest FOR UPDATE;
    END LOOP;
    now_us := {schema}.botstate_now();
    IF head.depth = 0 THEN
        head.expires_us := NULL;
    ELSIF head.expires_us <= now_us THEN
        DELETE FROM {schema}.botstate_queueitem WHERE head_id = p_digest;
        head.depth := 0;
        head.expires_us := NULL;
    END IF;
    INSERT INTO {schema}.botstate_queueitem (head_id, seq, value, token, attempts)
         VALUES (p_digest, head.next_seq, p_value, '', 0);
    head.depth := head.depth + 1;
    -- One by one, each by its primary key: a set of places would be a filter over the whole queue to a planner whose
    -- statistics are old.
    -- And each beyond the one before, which is still in the index.
    place := CASE WHEN p_drop_newest THEN head.next_seq + 1 ELSE -1 END;
    WHILE head.depth > p_max_size LOOP
        IF p_drop_newest THEN
            SELECT seq INTO place FROM {schema}.botstate_queueitem
             WHERE head_id = p_digest AND seq < place AND (lease_expires_us IS NULL OR lease_expires_us <= now_us)
             ORDER BY seq DESC LIMIT 1;
        ELSE
            SELECT seq INTO place FROM {schema}.botstate_queueitem
             WHERE head_id = p_digest AND seq > place AND (lease_expires_us IS NULL OR lease_expires_us <= now_us)
             ORDER BY seq LIMIT 1;
        END IF;
        EXIT WHEN NOT FOUND;
        DELETE FROM {schema}.botstate_queueitem WHERE head_id = p_digest AND seq = place;
        head.depth := head.depth - 1;
    END LOOP;
    UPDATE {schema}.botstate_queuehead
       SET depth = head.depth, next_seq = head.next_seq + 1, expires_us = COALESCE(now_us + p_ttl_us, head.expires_us)
     WHERE digest = p_digest;
    RETURN head.depth;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_queue_dequeue(p_digest uuid) RETURNS text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
-- Remove and return the oldest waiting item, null when none waits. An empty queue does not exist: its head expires.
DECLARE
    head record;
    now_us bigint;
    taken text;
BEGIN
    SELECT depth, expires_us INTO head
      FROM {schema}.botstate_queuehead WHERE digest = p_digest AND depth > 0 FOR UPDATE;
    now_us := {schema}.botstate_now();
    IF NOT FOUND OR head.expires_us <= now_us THEN
        RETURN NULL;
    END IF;
    DELETE FROM {schema}.botstate_queueitem WHERE head_id = p_digest AND seq = (
           SELECT seq FROM {schema}.botstate_queueitem
            WHERE head_id = p_digest AND (lease_expires_us IS NULL OR lease_expires_us <= now_us)
            ORDER BY seq LIMIT 1)
    RETURNING value INTO taken;
    IF FOUND THEN
        UPDATE {schema}.botstate_queuehead
           SET depth = head.depth - 1, expires_us = CASE WHEN head.depth > 1 THEN head.expires_us ELSE now_us END
         WHERE digest = p_digest;
    END IF;
    RETURN taken;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_queue_claim(
    p_digest uuid, p_secret text, p_lease_us bigint, OUT value text, OUT token text, OUT attempts integer
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
-- Lease the oldest waiting item; nulls when none waits.
DECLARE
    head record;
    now_us bigint;
BEGIN
    SELECT queue.expires_us INTO head
      FROM {schema}.botstate_queuehead AS queue WHERE queue.digest = p_digest AND queue.depth > 0 FOR UPDATE;
    now_us := {schema}.botstate_now();
    IF NOT FOUND OR head.expires_us <= now_us THEN
        RETURN;
    END IF;
    UPDATE {schema}.botstate_queueitem AS item
       SET token = item.seq || '-' || p_secret, lease_expires_us = now_us + p_lease_us, attempts = item.attempts + 1
     WHERE item.head_id = p_digest AND item.seq = (
           SELECT waiting.seq FROM {schema}.botstate_queueitem AS waiting
            WHERE waiting.head_id = p_digest
              AND (waiting.lease_expires_us IS NULL OR waiting.lease_expires_us <= now_us)
            ORDER BY waiting.seq LIMIT 1)
    RETURNING item.value, item.token, item.attempts INTO value, token, attempts;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_queue_ack(p_digest uuid, p_seq bigint, p_token text)
RETURNS boolean LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
-- Remove the item that p_token holds. An empty queue does not exist: its head expires.
DECLARE
    head record;
    now_us bigint;
BEGIN
    SELECT depth, expires_us INTO head FROM {schema}.botstate_queuehead WHERE digest = p_digest FOR UPDATE;
    now_us := {schema}.botstate_now();
    IF NOT FOUND OR head.expires_us <= now_us THEN
        RETURN false;
    END IF;
    DELETE FROM {schema}.botstate_queueitem
     WHERE head_id = p_digest AND seq = p_seq AND token = p_token AND lease_expires_us > now_us;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE {schema}.botstate_queuehead
       SET depth = head.depth - 1, expires_us = CASE WHEN head.depth > 1 THEN head.expires_us ELSE now_us END
     WHERE digest = p_digest;
    RETURN true;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_queue_nack(p_digest uuid, p_seq bigint, p_token text)
RETURNS boolean LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
-- Return the item that p_token holds to its place.
DECLARE
    head record;
    now_us bigint;
BEGIN
    SELECT expires_us INTO head FROM {schema}.botstate_queuehead WHERE digest = p_digest FOR UPDATE;
    now_us := {schema}.botstate_now();
    IF NOT FOUND OR head.expires_us <= now_us THEN
        RETURN false;
    END IF;
    UPDATE {schema}.botstate_queueitem SET token = '', lease_expires_us = NULL
     WHERE head_id = p_digest AND seq = p_seq AND token = p_token AND lease_expires_us > now_us;
    RETURN FOUND;
END
$$;
