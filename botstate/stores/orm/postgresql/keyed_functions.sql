-- The operations on keyed entries; functions.sql says how they lock, and what {schema} is.
--
-- Every writer locks the collection's head and looks at entries after that, so entries need no locks of their own. A call
-- that would change nothing is found out by a glance before, which waits for nobody and writes nothing. It sees what was
-- committed, and what its own transaction did; what others have not committed, nobody is to act on yet.
--
-- Nothing may scan or sort, whatever the planner knew of the table when a session made its plan: what is left then is one
-- index in its own order. What has expired of a collection is looked for in the order of (head, expiry), with the head as
-- an array of one: with a plain one that order would be the same as the expiry's, and the index on the expiry alone might
-- serve, which reads through what has expired of other collections.

CREATE OR REPLACE FUNCTION {schema}.botstate_keyed_write(
    p_head uuid, p_namespace text, p_label text, p_digest uuid, p_key bytea, p_value text, p_ttl_us bigint,
    p_max_entries bigint, p_rejects_new boolean, p_if_absent boolean, p_expected text
) RETURNS text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_incremental_sort = off AS $$
-- Store an entry as the newest: 'stored', or 'full' where it is new and there is no room. Nothing is stored where it must
-- be absent and is live: 'present'; nor where p_expected is not its live text: 'other'. Nulls: no expiry, no bound, any.
DECLARE
    head record;
    now_us bigint;
    kept bigint;
    is_live boolean;
    is_expected boolean;
    -- What went in this statement is still in the index: whoever began there again would step over all of it each time.
    gone_us bigint := 0;
    gone_seq bigint := -9223372036854775807;
BEGIN
    IF p_if_absent OR p_expected IS NOT NULL THEN
        now_us := {schema}.botstate_now();
        PERFORM 1 FROM {schema}.botstate_keyedentry
          WHERE digest = p_digest AND (expires_us IS NULL OR expires_us > now_us)
            AND (p_expected IS NULL OR value = p_expected);
        IF FOUND = p_if_absent THEN
            RETURN CASE WHEN p_if_absent THEN 'present' ELSE 'other' END;
        END IF;
    END IF;

    -- The lock. A place that is not taken after all is no loss.
    UPDATE {schema}.botstate_keyedhead SET next_seq = next_seq + 1 WHERE digest = p_head
    RETURNING length, next_seq - 1 AS seq INTO head;
    WHILE NOT FOUND LOOP
        INSERT INTO {schema}.botstate_keyedhead (digest, namespace, label, length, next_seq)
             VALUES (p_head, p_namespace, p_label, 0, 0) ON CONFLICT DO NOTHING;
        UPDATE {schema}.botstate_keyedhead SET next_seq = next_seq + 1 WHERE digest = p_head
        RETURNING length, next_seq - 1 AS seq INTO head;
    END LOOP;
    now_us := {schema}.botstate_now();
    SELECT expires_us IS NULL OR expires_us > now_us, value = p_expected INTO is_live, is_expected
      FROM {schema}.botstate_keyedentry WHERE digest = p_digest;
    IF p_if_absent AND is_live THEN
        RETURN 'present';
    ELSIF p_expected IS NOT NULL AND (is_live AND is_expected) IS NOT TRUE THEN
        RETURN 'other';
    END IF;

    kept := head.length;
    IF NOT is_live THEN
        DELETE FROM {schema}.botstate_keyedentry WHERE digest = p_digest;
        kept := kept - 1;
    END IF;
    IF is_live IS NOT TRUE THEN
        kept := kept + 1;
    END IF;
    -- One by one, each found in its index: a set would be a filter to a planner whose statistics are old.
    WHILE kept > p_max_entries LOOP
        DELETE FROM {schema}.botstate_keyedentry WHERE digest = (
               SELECT digest FROM {schema}.botstate_keyedentry
                WHERE head_id = ANY (ARRAY[p_head]) AND expires_us BETWEEN gone_us AND now_us
                ORDER BY head_id, expires_us LIMIT 1)
        RETURNING expires_us INTO gone_us;
        EXIT WHEN NOT FOUND;
        kept := kept - 1;
    END LOOP;

    IF is_live THEN
        UPDATE {schema}.botstate_keyedentry
           SET seq = head.seq, value = p_value, created_us = now_us, expires_us = now_us + p_ttl_us
         WHERE digest = p_digest;
    ELSIF p_rejects_new AND kept > p_max_entries THEN
        UPDATE {schema}.botstate_keyedhead SET length = kept - 1 WHERE digest = p_head;
        RETURN 'full';
    ELSE
        INSERT INTO {schema}.botstate_keyedentry
                    (digest, head_id, seq, key, key_start, value, created_us, expires_us)
             VALUES (p_digest, p_head, head.seq, p_key, substring(p_key FROM 1 FOR 255), p_value, now_us,
                     now_us + p_ttl_us);
    END IF;
    WHILE kept > p_max_entries AND NOT p_rejects_new LOOP
        DELETE FROM {schema}.botstate_keyedentry WHERE digest = (
               SELECT digest FROM {schema}.botstate_keyedentry
                WHERE head_id = p_head AND seq > gone_seq AND seq < head.seq ORDER BY seq LIMIT 1)
        RETURNING seq INTO gone_seq;
        EXIT WHEN NOT FOUND;
        kept := kept - 1;
    END LOOP;
    IF kept <> head.length THEN
        UPDATE {schema}.botstate_keyedhead SET length = kept WHERE digest = p_head;
    END IF;
    RETURN 'stored';
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_keyed_take(p_head uuid, p_digest uuid, p_expected text)
RETURNS text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
-- Remove an entry and return its text if it was live, else null. It stays where that is not p_expected; null: any.
DECLARE
    now_us bigint := {schema}.botstate_now();
    taken record;
BEGIN
    PERFORM 1 FROM {schema}.botstate_keyedentry
      WHERE digest = p_digest AND (expires_us IS NULL OR expires_us > now_us)
        AND (p_expected IS NULL OR value = p_expected);
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM {schema}.botstate_keyedhead WHERE digest = p_head FOR UPDATE;
    IF NOT FOUND THEN
        -- All was taken meanwhile, and swept. What comes after that is not to be touched without its head's lock.
        RETURN NULL;
    END IF;
    now_us := {schema}.botstate_now();
    DELETE FROM {schema}.botstate_keyedentry
     WHERE digest = p_digest AND (p_expected IS NULL OR value = p_expected OR expires_us <= now_us)
    RETURNING value, expires_us INTO taken;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE {schema}.botstate_keyedhead SET length = length - 1 WHERE digest = p_head;
    RETURN CASE WHEN taken.expires_us <= now_us THEN NULL ELSE taken.value END;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_keyed_find(
    p_digest uuid, OUT value text, OUT created_us bigint, OUT expires_us bigint, OUT now_us bigint
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
-- Return a live entry and the time at which it was; nulls where there is none.
DECLARE
    at_us bigint := {schema}.botstate_now();
BEGIN
    SELECT entry.value, entry.created_us, entry.expires_us, at_us INTO value, created_us, expires_us, now_us
      FROM {schema}.botstate_keyedentry AS entry
     WHERE entry.digest = p_digest AND (entry.expires_us IS NULL OR entry.expires_us > at_us);
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_keyed_find_many(p_digests uuid[], OUT digest uuid, OUT value text)
RETURNS SETOF record LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
-- Return the live ones of these entries.
DECLARE
    now_us bigint := {schema}.botstate_now();
BEGIN
    RETURN QUERY
    SELECT entry.digest, entry.value FROM {schema}.botstate_keyedentry AS entry
     WHERE entry.digest = ANY (p_digests) AND (entry.expires_us IS NULL OR entry.expires_us > now_us);
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_keyed_entries(
    p_head uuid, OUT key bytea, OUT value text, OUT created_us bigint, OUT expires_us bigint
) RETURNS SETOF record LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
-- Return the live entries, oldest first.
DECLARE
    now_us bigint := {schema}.botstate_now();
BEGIN
    RETURN QUERY
    SELECT entry.key, entry.value, entry.created_us, entry.expires_us
      FROM {schema}.botstate_keyedentry AS entry
     WHERE entry.head_id = p_head AND (entry.expires_us IS NULL OR entry.expires_us > now_us)
     ORDER BY entry.seq;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_keyed_range(
    p_head uuid, p_start bytea, p_end bytea, p_limit bigint, p_descending boolean,
    OUT key bytea, OUT value text, OUT created_us bigint, OUT expires_us bigint
) RETURNS SETOF record LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
-- Return the first p_limit live entries with p_start <= key < p_end, by key. The index has the keys' first bytes only.
DECLARE
    now_us bigint := {schema}.botstate_now();
    first_bytes bytea := substring(p_start FROM 1 FOR 255);
    last_bytes bytea := substring(p_end FROM 1 FOR 255);
BEGIN
    IF p_descending THEN
        RETURN QUERY
        SELECT entry.key, entry.value, entry.created_us, entry.expires_us
          FROM {schema}.botstate_keyedentry AS entry
         WHERE entry.head_id = p_head AND entry.key_start >= first_bytes AND entry.key_start <= last_bytes
           AND entry.key >= p_start AND entry.key < p_end
           AND (entry.expires_us IS NULL OR entry.expires_us > now_us)
         ORDER BY entry.key_start DESC, entry.key DESC LIMIT p_limit;
    ELSE
        RETURN QUERY
        SELECT entry.key, entry.value, entry.created_us, entry.expires_us
          FROM {schema}.botstate_keyedentry AS entry
         WHERE entry.head_id = p_head AND entry.key_start >= first_bytes AND entry.key_start <= last_bytes
           AND entry.key >= p_start AND entry.key < p_end
           AND (entry.expires_us IS NULL OR entry.expires_us > now_us)
         ORDER BY entry.key_start, entry.key LIMIT p_limit;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_keyed_count(p_head uuid) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_incremental_sort = off AS $$
-- Return how many live entries there are: all of them, less those that have expired and are still there.
DECLARE
    now_us bigint := {schema}.botstate_now();
BEGIN
    RETURN COALESCE((
        SELECT length - (SELECT count(*) FROM (
                         SELECT FROM {schema}.botstate_keyedentry
                          WHERE head_id = ANY (ARRAY[p_head]) AND expires_us <= now_us
                          ORDER BY head_id, expires_us) AS expired)
          FROM {schema}.botstate_keyedhead WHERE digest = p_head), 0);
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_keyed_clear(p_head uuid) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
-- Remove every entry; return how many of them were live.
DECLARE
    now_us bigint;
    live bigint;
BEGIN
    PERFORM 1 FROM {schema}.botstate_keyedhead WHERE digest = p_head AND length > 0 FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    now_us := {schema}.botstate_now();
    WITH removed AS (DELETE FROM {schema}.botstate_keyedentry WHERE head_id = p_head RETURNING expires_us)
    SELECT count(*) INTO live FROM removed WHERE expires_us IS NULL OR expires_us > now_us;
    UPDATE {schema}.botstate_keyedhead SET length = 0 WHERE digest = p_head;
    RETURN live;
END
$$;
