// Runs the operations of bench/operations.py on a peer, as bench/contestants.py tells it: JSON lines in, JSON lines out.
//
//   BENCH_URL=... node --expose-gc driver.mjs (vc | ck) (postgresql | redis)
//
// vc is @chat-adapter's state. ck is CopilotKit's, which was never published: BENCH_CK names a folder that holds its two
// modules, postgres-store.js and redis-store.js.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const KEYS = 100, CAP = 100, WAITING = 100, BOUND = 1000, DAY_MS = 86_400_000, POOL = 8;
const PREFIX = "bench-peers:";
const [peer, server] = process.argv.slice(2);
const url = process.env.BENCH_URL;
let sent = 0;

const store = await { vc: chatAdapter, ck: copilotKit }[peer]();

async function pool() {
  const { default: pg } = await import("pg");
  const query = pg.Client.prototype.query;
  pg.Client.prototype.query = function (...parameters) {
    sent += 1;
    return query.apply(this, parameters);
  };
  return new pg.Pool({ connectionString: url, max: POOL, min: POOL, idleTimeoutMillis: 0 });
}

async function redisClient() {
  const { createClient } = await import("redis");
  const client = createClient({ url });
  client.on("error", () => {});
  await client.connect();
  return client;
}

async function chatAdapter() {
  const quiet = { debug() {}, info() {}, warn() {}, error: console.error, child: () => quiet };
  let state;
  if (server === "postgresql") {
    const { createPostgresState } = await import("@chat-adapter/state-pg");
    state = createPostgresState({ client: await pool(), keyPrefix: PREFIX, logger: quiet });
  } else {
    const { createRedisState } = await import("@chat-adapter/state-redis");
    state = createRedisState({ client: await redisClient(), keyPrefix: PREFIX, logger: quiet });
  }
  await state.connect();
  return {
    set: (key, value) => state.set(key, value),
    get: (key) => state.get(key),
    acquire: (key) => state.acquireLock(key, 30_000),
    release: (key, lock) => state.releaseLock(lock),
    seen: async (key) => !(await state.setIfNotExists(`dedup ${key}`, true, DAY_MS)),
    append: (key, value, maxLength) => state.appendToList(key, value, { maxLength }),
    range: (key) => state.getList(key),
    enqueue: (key, value, most) => {
      const now = Date.now();
      return state.enqueue(key, { message: value, enqueuedAt: now, expiresAt: now + DAY_MS }, most);
    },
    dequeue: (key) => state.dequeue(key),
    depth: (key) => state.queueDepth(key),
  };
}

async function copilotKit() {
  const folder = pathToFileURL(`${process.env.BENCH_CK}/`);
  let state;
  if (server === "postgresql") {
    const { PostgresStore, migrate } = await import(new URL("postgres-store.js", folder));
    const connections = await pool();
    await migrate(connections);
    state = new PostgresStore({ pool: connections, keyPrefix: PREFIX });
  } else {
    const { RedisStore } = await import(new URL("redis-store.js", folder));
    state = new RedisStore({ client: await redisClient(), keyPrefix: PREFIX });
  }
  return {
    set: (key, value) => state.kv.set(key, value),
    get: (key) => state.kv.get(key),
    acquire: (key) => state.lock.acquire(key),
    release: (key, lock) => state.lock.release(key, lock.token),
    seen: (key) => state.dedup.seen(key, DAY_MS),
    append: (key, value, maxLen) => state.list.append(key, value, { maxLen }),
    range: (key) => state.list.range(key),
    enqueue: (key, value, maxSize) => state.queue.enqueue(key, value, maxSize ? { maxSize } : undefined),
    dequeue: (key) => state.queue.dequeue(key),
    depth: (key) => state.queue.depth(key),
  };
}

const valueOf = (number) => ({ user: "U024BE7LH", text: "please refund the ticket", number });

function must(truth, what) {
  if (!truth) throw new Error(what);
}

async function fillQueue(key, items) {
  for (let number = 0; number < items; number += 1) await store.enqueue(key, valueOf(number), 0);
}

const operations = {
  "kv.set": {
    call: (one) => store.set(`${one.key} ${one.number % KEYS}`, valueOf(one.number)),
  },
  "kv.get": {
    async setUp(one) {
      for (let number = 0; number < KEYS; number += 1) await store.set(`${one.key} ${number}`, valueOf(number));
    },
    async call(one) {
      must(await store.get(`${one.key} ${one.number % KEYS}`), "a value is missing");
    },
  },
  "lock acquire + release": {
    async call(one) {
      const key = `${one.key} ${one.number % KEYS}`;
      const lock = await store.acquire(key);
      must(lock, "a free lock was not got");
      await store.release(key, lock);
    },
  },
  "dedup.seen, first": {
    async call(one) {
      must(!(await store.seen(`${one.key} ${one.number}`)), "a new key was seen");
    },
  },
  "dedup.seen, repeat": {
    async setUp(one) {
      for (let number = 0; number < KEYS; number += 1) await store.seen(`${one.key} ${number}`);
    },
    async call(one) {
      must(await store.seen(`${one.key} ${one.number % KEYS}`), "a key was forgotten");
    },
  },
  "list.append, cap 100, full": {
    async setUp(one) {
      for (let number = 0; number < CAP; number += 1) await store.append(one.key, valueOf(number), CAP);
    },
    call: (one) => store.append(one.key, valueOf(one.number), CAP),
  },
  "list.range, 100 items": {
    async setUp(one) {
      for (let number = 0; number < CAP; number += 1) await store.append(one.key, valueOf(number), CAP);
    },
    async call(one) {
      must((await store.range(one.key)).length === CAP, "items are missing");
    },
  },
  "queue.enqueue, bounded": {
    setUp: (one) => fillQueue(one.key, WAITING),
    call: (one) => store.enqueue(one.key, valueOf(one.number), BOUND),
    async after(one, calls) {
      for (let number = 0; number < calls; number += 1) await store.dequeue(one.key);
    },
  },
  "queue.enqueue at the bound": {
    setUp: (one) => fillQueue(one.key, BOUND),
    async call(one) {
      must((await store.enqueue(one.key, valueOf(one.number), BOUND)) === BOUND, "the bound was not kept");
    },
  },
  "queue.dequeue": {
    setUp: (one) => fillQueue(one.key, WAITING),
    before: (one, calls) => fillQueue(one.key, calls),
    async call(one) {
      must(await store.dequeue(one.key), "the queue is empty");
    },
  },
  "queue.depth": {
    setUp: (one) => fillQueue(one.key, WAITING),
    async call(one) {
      must((await store.depth(one.key)) === WAITING, "the depth is wrong");
    },
  },
};

const made = new Map();
let running = null;

async function prepare({ operation, callers, calls }) {
  const { setUp, before, call, after } = operations[operation];
  const ones = [];
  for (let caller = 0; caller < callers; caller += 1) {
    const key = `${operation} ${caller}`;
    if (!made.has(key)) {
      const one = { key, number: 0 };
      made.set(key, one);
      await setUp?.(one);
    }
    ones.push(made.get(key));
  }
  for (const one of ones) await before?.(one, calls);
  running = { ones, call, after, calls };
  globalThis.gc?.();
}

async function repeat(one) {
  const times = [];
  for (let left = running.calls; left > 0; left -= 1) {
    one.number += 1;
    const begun = process.hrtime.bigint();
    await running.call(one);
    times.push(Number(process.hrtime.bigint() - begun) / 1000);
  }
  return times;
}

const commands = {
  prepare,
  async run() {
    const times = await Promise.all(running.ones.map(repeat));
    return times.length === 1 ? times[0] : [];
  },
  async count() {
    const begun = sent;
    await repeat(running.ones[0]);
    return [(sent - begun) / running.calls];
  },
  async finish() {
    for (const one of running.ones) await running.after?.(one, running.calls);
  },
};

const answer = (times) => process.stdout.write(`${JSON.stringify({ times: times ?? [] })}\n`);

answer([]);
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    answer(await commands[command.do](command));
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: String(error?.stack ?? error) })}\n`);
  }
}
process.exit(0);
