-- The runtime's common cases: accepting an event, and a worker's steps.
--
-- Each answers 'portable', and has written nothing that the portable path would not have written, where it meets anything
-- rarer: that path (runtime/inbox.py, runtime/work.py) is the whole of the rules, and these are its short cuts. They lock
-- in its order: the thread's row, then its lease's; the thread's so that a turn that holds the lease may still insert what
-- refers to the thread. The clock is read after that. What a worker or a request calls may not
-- scan: a plan that a session made while a table was small would read all of a large one later.
--
-- {schema} is where the tables are. Times are microseconds since 1970 by the server's clock.

CREATE OR REPLACE FUNCTION {schema}.botstate_ignore(
    p_receipt uuid, p_bot text, p_platform text, p_workspace text, p_identity text, p_ttl_us bigint, p_patience text,
    p_ignored text
) RETURNS text LANGUAGE plpgsql AS $$
-- Store the receipt of an event that has no turn.
DECLARE
    now_us bigint;
BEGIN
    PERFORM set_config('lock_timeout', p_patience, true);
    now_us := {schema}.botstate_now();
    INSERT INTO {schema}.botstate_receipt AS stored
                (digest, bot, platform, workspace, identity, ignored, received_us, expires_us)
         VALUES (p_receipt, p_bot, p_platform, p_workspace, p_identity, p_ignored, now_us, now_us + p_ttl_us)
    ON CONFLICT (digest) DO NOTHING;
    IF FOUND THEN
        RETURN 'ignored';
    END IF;
    PERFORM 1 FROM {schema}.botstate_receipt WHERE digest = p_receipt AND expires_us > now_us;
    RETURN CASE WHEN FOUND THEN 'duplicate' ELSE 'portable' END;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_accept(
    p_receipt uuid, p_bot text, p_platform text, p_workspace text, p_identity text, p_ttl_us bigint, p_patience text,
    p_app text, p_thread uuid, p_message uuid, p_key text, p_kind text, p_event text, p_policy text,
    p_max_waiting bigint, p_ring_us bigint, p_reason text, OUT outcome text, OUT thread_id bigint
) LANGUAGE plpgsql SET enable_seqscan = off AS $$
-- Store the receipt and the turn of an event. p_policy is '', 'queue', 'drop', or 'ask' for one that is not decided yet.
-- 'expected' is 'accepted' in a thread that was rung for just now, which makes another ring needless.
DECLARE
    now_us bigint := {schema}.botstate_now();
    expiry bigint;
    number bigint;
    posted_id bigint;
    rang_us bigint;
    is_rung boolean;
    is_dropped boolean := false;
BEGIN
    PERFORM set_config('lock_timeout', p_patience, true);
    SELECT expires_us INTO expiry FROM {schema}.botstate_receipt WHERE digest = p_receipt;
    IF FOUND THEN
        outcome := CASE WHEN expiry > now_us THEN 'duplicate' ELSE 'portable' END;
        RETURN;
    END IF;

    IF p_message IS NOT NULL THEN
        SELECT delivery.id, delivery.thread_id INTO posted_id, thread_id FROM {schema}.botstate_delivery delivery
         WHERE delivery.message_digest = p_message;
    END IF;
    IF thread_id IS NULL THEN
        SELECT id, last_sequence, rung_us INTO thread_id, number, rang_us
          FROM {schema}.botstate_thread WHERE digest = p_thread
           FOR NO KEY UPDATE;
    ELSE
        SELECT id, last_sequence, rung_us INTO thread_id, number, rang_us
          FROM {schema}.botstate_thread WHERE id = thread_id
           FOR NO KEY UPDATE;
    END IF;
    now_us := {schema}.botstate_now();
    IF thread_id IS NULL THEN
        INSERT INTO {schema}.botstate_thread
                    (digest, bot, platform, app, workspace, key, last_sequence, created_us, last_event_us, ring_us,
                     rung_us)
             VALUES (p_thread, p_bot, p_platform, p_app, p_workspace, p_key, 0, now_us, now_us, now_us + p_ring_us, 0)
        ON CONFLICT (digest) DO NOTHING
          RETURNING id, last_sequence, rung_us INTO thread_id, number, rang_us;
        IF thread_id IS NULL THEN
            outcome := 'portable';
            RETURN;
        END IF;
    ELSIF p_policy <> '' THEN
        IF p_policy <> 'queue' AND {schema}.botstate_is_busy(thread_id, now_us) THEN
            IF p_policy = 'ask' THEN
                outcome := 'undecided';
                RETURN;
            END IF;
            is_dropped := true;
        ELSIF number >= p_max_waiting
              AND number - {schema}.botstate_first_open(thread_id) + 1 >= p_max_waiting THEN
            -- So many may be waiting; they have to be counted.
            outcome := 'portable';
            RETURN;
        END IF;
    END IF;

    INSERT INTO {schema}.botstate_receipt
                (digest, bot, platform, workspace, identity, ignored, received_us, expires_us)
         VALUES (p_receipt, p_bot, p_platform, p_workspace, p_identity, '', now_us, now_us + p_ttl_us)
    ON CONFLICT (digest) DO NOTHING;
    IF NOT FOUND THEN
        outcome := 'duplicate';
        RETURN;
    END IF;
    -- Whoever hears a ring of the last second has not looked yet, or looks again before the lease is free: see design.md.
    is_rung := rang_us BETWEEN now_us - 1000000 AND now_us;
    UPDATE {schema}.botstate_thread
       SET last_sequence = number + 1, last_event_us = now_us,
           rung_us = CASE WHEN is_dropped OR is_rung THEN rang_us ELSE now_us END,
           ring_us = CASE WHEN is_dropped THEN ring_us ELSE LEAST(ring_us, now_us + p_ring_us) END
     WHERE id = thread_id;
    INSERT INTO {schema}.botstate_turn
                (thread_id, receipt_id, sequence, kind, event, posted, policy, status, reason, attempts, fence, due_us,
                 error_type, error_place, received_us, finished_us)
         VALUES (thread_id, p_receipt, number + 1, p_kind, p_event, posted_id,
                 CASE WHEN p_policy = 'ask' THEN 'queue' ELSE p_policy END,
                 CASE WHEN is_dropped THEN 'dropped' ELSE 'waiting' END, CASE WHEN is_dropped THEN p_reason ELSE '' END,
                 0, 0, 0, '', '', now_us, CASE WHEN is_dropped THEN now_us END);
    outcome := CASE WHEN is_dropped THEN 'dropped' WHEN is_rung THEN 'expected' ELSE 'accepted' END;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_is_busy(p_thread bigint, p_now_us bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
-- Say whether a turn of the thread waits, or runs under a live lease.
BEGIN
    PERFORM 1 FROM unnest(ARRAY['waiting', 'failed']) AS open(status)
     CROSS JOIN LATERAL (
         SELECT thread_id, turn.status FROM {schema}.botstate_turn turn
          WHERE (thread_id, turn.status, sequence) >= (p_thread, open.status, 0)
          ORDER BY thread_id, turn.status, sequence LIMIT 1
     ) AS first
     WHERE first.thread_id = p_thread AND first.status = open.status;
    IF FOUND THEN
        RETURN true;
    END IF;
    PERFORM 1 FROM {schema}.botstate_turn turn
      LEFT JOIN {schema}.botstate_turnlease own ON own.turn_id = turn.id
      LEFT JOIN {schema}.botstate_threadlease shared ON shared.thread_id = turn.thread_id
     WHERE (turn.thread_id, turn.status, turn.sequence) >= (p_thread, 'running', 0)
       AND (turn.thread_id, turn.status, turn.sequence) < (p_thread, 'running', 9223372036854775807)
       AND CASE WHEN turn.policy = 'parallel' THEN own.expires_us ELSE shared.expires_us END > p_now_us;
    RETURN FOUND;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_first_open(p_thread bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
-- The three columns are compared and ordered as one, because only one index has them so. For equal ones the planner may
-- prefer another index, where the statistics mislead it, and walk that through all that has ended.
-- Not in the language SQL, whose functions are planned anew in each call.
BEGIN
    RETURN (
        SELECT min(first.sequence) FROM unnest(ARRAY['waiting', 'running', 'failed']) AS open(status)
         CROSS JOIN LATERAL (
             SELECT thread_id, turn.status, sequence FROM {schema}.botstate_turn turn
              WHERE (thread_id, turn.status, sequence) >= (p_thread, open.status, 0)
              ORDER BY thread_id, turn.status, sequence LIMIT 1
         ) AS first
         WHERE first.thread_id = p_thread AND first.status = open.status
    );
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_first_unsent(p_thread bigint)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
-- As botstate_first_open.
BEGIN
    RETURN (
        SELECT min(first.id) FROM unnest(ARRAY['waiting', 'sending']) AS unsent(status)
         CROSS JOIN LATERAL (
             SELECT thread_id, delivery.status, id FROM {schema}.botstate_delivery delivery
              WHERE (thread_id, delivery.status, id) >= (p_thread, unsent.status, 0)
              ORDER BY thread_id, delivery.status, id LIMIT 1
         ) AS first
         WHERE first.thread_id = p_thread AND first.status = unsent.status
    );
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_next_work(
    p_thread bigint, p_fence bigint, p_now_us bigint, p_until_us bigint, p_max_attempts integer, p_max_sends integer,
    p_sends_once boolean,
    OUT outcome text, OUT work_id bigint, OUT attempt integer, OUT event text, OUT state text, OUT version bigint,
    OUT due_us bigint, OUT posted bigint
) LANGUAGE plpgsql AS $$
-- Start the thread's next message or, where none is due, its next turn. Under the lock of its lease, which lives until
-- p_until_us if it is not renewed: until then nobody else sends a message that is on its way.
DECLARE
    message_status text;
    message_sends integer;
    turn_policy text;
    turn_due_us bigint;
    first bigint;
    unsent bigint;
BEGIN
    -- Before the messages: what a turn beside the others posts when it ends is then either seen below, or rung for.
    first := {schema}.botstate_first_open(p_thread);
    unsent := {schema}.botstate_first_unsent(p_thread);
    IF unsent IS NOT NULL THEN
        SELECT id, status, delivery.due_us, attempts INTO work_id, message_status, due_us, message_sends
          FROM {schema}.botstate_delivery delivery WHERE id = unsent;
        IF message_status = 'sending' OR message_sends >= p_max_sends THEN
            outcome := 'portable';
            RETURN;
        END IF;
        IF due_us <= p_now_us THEN
            UPDATE {schema}.botstate_delivery
               SET attempts = attempts + 1, due_us = p_until_us,
                   status = CASE WHEN p_sends_once THEN 'sending' ELSE 'waiting' END
             WHERE id = work_id AND status = message_status;
            -- A worker that has lost the lease may still mark what it has sent.
            outcome := CASE WHEN FOUND THEN 'delivery' ELSE 'portable' END;
            RETURN;
        END IF;
    END IF;

    IF first IS NOT NULL THEN
        SELECT id, attempts, stored.due_us, policy, stored.event, stored.posted
          INTO work_id, attempt, turn_due_us, turn_policy, event, posted
          FROM {schema}.botstate_turn stored
         WHERE thread_id = p_thread AND sequence = first;
        IF attempt >= p_max_attempts OR turn_policy IN ('debounce', 'burst', 'parallel') THEN
            outcome := 'portable';
            RETURN;
        END IF;
        IF turn_due_us <= p_now_us THEN
            UPDATE {schema}.botstate_turn
               SET status = 'running', attempts = attempts + 1, fence = p_fence, started_us = p_now_us
             WHERE id = work_id;
            SELECT value, stored.version INTO state, version FROM {schema}.botstate_threadstate stored
             WHERE thread_id = p_thread;
            attempt := attempt + 1;
            outcome := 'turn';
            RETURN;
        END IF;
        PERFORM 1 FROM unnest(ARRAY['waiting', 'running', 'failed']) AS open(status)
         CROSS JOIN LATERAL (
             SELECT 1 FROM {schema}.botstate_turn turn
              WHERE (thread_id, turn.status, sequence) >= (p_thread, open.status, 0)
                AND (thread_id, turn.status, sequence) < (p_thread, open.status, 9223372036854775807)
                AND policy = 'parallel' LIMIT 1
         ) AS beside;
        IF FOUND THEN
            outcome := 'portable';
            RETURN;
        END IF;
        due_us := LEAST(due_us, turn_due_us);
    END IF;
    outcome := 'idle';
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_begin(
    p_thread bigint, p_token text, p_ttl_us bigint, p_holder text, p_max_attempts integer, p_max_sends integer,
    p_sends_once boolean,
    OUT outcome text, OUT work_id bigint, OUT attempt integer, OUT event text, OUT state text, OUT version bigint,
    OUT due_us bigint, OUT posted bigint, OUT fence bigint, OUT now_us bigint
) LANGUAGE plpgsql SET enable_seqscan = off AS $$
-- Take the thread's lease and start its next work; where there is none, leave it free.
DECLARE
    held_token text;
    held_fence bigint;
    held_until bigint;
BEGIN
    PERFORM 1 FROM {schema}.botstate_thread WHERE id = p_thread FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'gone';
        RETURN;
    END IF;
    SELECT token, lease.fence, expires_us INTO held_token, held_fence, held_until
      FROM {schema}.botstate_threadlease lease WHERE thread_id = p_thread FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO {schema}.botstate_threadlease (thread_id, token, fence, expires_us, holder)
             VALUES (p_thread, '', 0, 0, '');
        held_token := '';
        held_fence := 0;
    END IF;
    now_us := {schema}.botstate_now();
    IF held_token <> '' AND held_until > now_us THEN
        outcome := 'busy';
        RETURN;
    END IF;
    fence := held_fence + 1;
    SELECT work.* INTO outcome, work_id, attempt, event, state, version, due_us, posted
      FROM {schema}.botstate_next_work(
               p_thread, fence, now_us, now_us + p_ttl_us, p_max_attempts, p_max_sends, p_sends_once) work;
    IF outcome = 'idle' THEN
        UPDATE {schema}.botstate_thread SET ring_us = botstate_begin.due_us, rung_us = 0 WHERE id = p_thread;
    ELSE
        UPDATE {schema}.botstate_threadlease lease
           SET token = p_token, fence = botstate_begin.fence, expires_us = now_us + p_ttl_us, holder = p_holder
         WHERE thread_id = p_thread;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_advance(
    p_thread bigint, p_token text, p_fence bigint, p_done bigint, p_max_attempts integer, p_max_sends integer,
    p_sends_once boolean,
    OUT outcome text, OUT work_id bigint, OUT attempt integer, OUT event text, OUT state text, OUT version bigint,
    OUT due_us bigint, OUT posted bigint, OUT fence bigint, OUT now_us bigint
) LANGUAGE plpgsql SET enable_seqscan = off AS $$
-- End the turn p_done well, unless that is null, and start the next work; where there is none, release the lease.
DECLARE
    held_until bigint;
BEGIN
    PERFORM 1 FROM {schema}.botstate_thread WHERE id = p_thread FOR NO KEY UPDATE;
    SELECT expires_us INTO held_until FROM {schema}.botstate_threadlease lease
     WHERE thread_id = p_thread AND token = p_token AND lease.fence = p_fence FOR UPDATE;
    now_us := {schema}.botstate_now();
    IF held_until IS NULL OR held_until <= now_us THEN
        outcome := 'superseded';
        RETURN;
    END IF;
    fence := p_fence;
    IF p_done IS NOT NULL THEN
        UPDATE {schema}.botstate_turn turn
           SET status = 'done', finished_us = now_us, error_type = '', error_place = '', reason = ''
         WHERE id = p_done AND status = 'running' AND turn.fence = p_fence;
        IF NOT FOUND THEN
            outcome := 'superseded';
            RETURN;
        END IF;
    END IF;
    SELECT work.* INTO outcome, work_id, attempt, event, state, version, due_us, posted
      FROM {schema}.botstate_next_work(
               p_thread, p_fence, now_us, held_until, p_max_attempts, p_max_sends, p_sends_once) work;
    IF outcome = 'idle' THEN
        UPDATE {schema}.botstate_threadlease SET token = '', expires_us = now_us WHERE thread_id = p_thread;
        UPDATE {schema}.botstate_thread SET ring_us = botstate_advance.due_us, rung_us = 0 WHERE id = p_thread;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.botstate_hand_back(
    p_thread bigint, p_token text, p_fence bigint, p_done bigint
) RETURNS boolean LANGUAGE plpgsql SET enable_seqscan = off AS $$
-- End the turn p_done well, unless that is null, and release the lease with work left; false where it is over.
DECLARE
    now_us bigint;
    held_until bigint;
BEGIN
    PERFORM 1 FROM {schema}.botstate_thread WHERE id = p_thread FOR NO KEY UPDATE;
    SELECT expires_us INTO held_until FROM {schema}.botstate_threadlease
     WHERE thread_id = p_thread AND token = p_token AND fence = p_fence FOR UPDATE;
    now_us := {schema}.botstate_now();
    IF held_until IS NULL OR held_until <= now_us THEN
        RETURN false;
    END IF;
    IF p_done IS NOT NULL THEN
        UPDATE {schema}.botstate_turn
           SET status = 'done', finished_us = now_us, error_type = '', error_place = '', reason = ''
         WHERE id = p_done AND status = 'running' AND fence = p_fence;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    END IF;
    UPDATE {schema}.botstate_threadlease SET token = '', expires_us = now_us WHERE thread_id = p_thread;
    UPDATE {schema}.botstate_thread SET ring_us = now_us, rung_us = 0 WHERE id = p_thread;
    RETURN true;
END
$$;
