// Whatever happens to a process, what it recorded is in the export, once, and its account is exact.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

import { Place, arbiter, mapped, packageDir, program, until } from "./place.mjs";

const { Producer } = arbiter();

const begin = `import { createRequire } from "node:module";
  import { isMainThread, parentPort, workerData, Worker } from "node:worker_threads";
  import child_process from "node:child_process";
  import cluster from "node:cluster";
  const { Producer } = createRequire(import.meta.url)(${JSON.stringify(packageDir)});
  const record = (producer, count, who) => {
    for (let i = 0; i < count; ++i) producer.recordEvent({ type: "counted", data: { who, i } });
  };
`;

// Of each who the numbers that came, in the order of the export.
function counted(place) {
  const all = new Map();
  for (const line of place.exported()) {
    const { who, i } = JSON.parse(line).data;
    all.set(who, [...(all.get(who) ?? []), i]);
  }
  return all;
}
const numbers = (count) => Array.from({ length: count }, (_, i) => i);

test("workers record beside the main thread, with producers of their own, and end without closing them", async () => {
  const place = new Place();
  await place.collect();
  const file = program(place, "worker.mjs", `${begin}
    const producer = new Producer({ ringDir: workerData.lanes });
    record(producer, 500, workerData.who);
    if (workerData.who === 3) process.exit(); // in the middle of it
    parentPort.postMessage(await producer.flush());`);
  const producer = new Producer({ ringDir: place.lanes });
  const ended = [1, 2, 3].map(async (who) => {
    const worker = new Worker(file, { workerData: { who, lanes: place.lanes } });
    const messages = [];
    worker.on("message", (message) => messages.push(message));
    await once(worker, "exit");
    return messages;
  });
  for (let i = 0; i < 500; ++i) producer.recordEvent({ type: "counted", data: { who: 0, i } });
  assert.deepEqual(await Promise.all(ended), [[true], [true], []]);
  assert.equal(await producer.flush(), true);
  const all = counted(place);
  for (const who of [0, 1, 2, 3]) assert.deepEqual(all.get(who), numbers(500), `${who}`);
  assert.equal(producer.account().recorded, 2000); // of the process
});

test("forked children and clustered workers record, with what they have of their parent's environment", async () => {
  const place = new Place();
  await place.collect();
  const file = program(place, "cluster.mjs", `${begin}
    const producer = new Producer();
    if (process.argv[2] === "child") {
      record(producer, 300, "child");
    } else if (cluster.isPrimary) {
      record(producer, 300, "primary");
      const child = child_process.fork(process.argv[1], ["child"]);
      const workers = [1, 2].map((who) => cluster.fork({ WHO: who }));
      await Promise.all([child, ...workers].map((one) => new Promise((resolve) => one.on("exit", resolve))));
      record(producer, 1, "afterwards");
    } else {
      record(producer, 300, "worker " + process.env.WHO);
      process.exit(0);
    }`);
  const parent = place.start(process.execPath, [file]);
  assert.equal(await parent.ended, 0, parent.err);
  const all = counted(place);
  assert.deepEqual([...all.keys()].sort(), ["afterwards", "child", "primary", "worker 1", "worker 2"]);
  for (const who of ["child", "primary", "worker 1", "worker 2"]) assert.deepEqual(all.get(who), numbers(300), who);
});

test("a process that exits, throws or is killed without a flush leaves all that it recorded, before a collector is there too", async () => {
  const place = new Place();
  for (const [who, end] of [["exit", "process.exit(0)"], ["throw", `throw new Error("x")`], ["kill", `process.kill(process.pid, "SIGKILL")`]]) {
    const file = program(place, `${who}.mjs`, `${begin} record(new Producer(), 1000, ${JSON.stringify(who)}); ${end}`);
    await place.start(process.execPath, [file]).ended;
  }
  await place.collect();
  const all = counted(place);
  for (const who of ["exit", "throw", "kill"]) assert.deepEqual(all.get(who), numbers(1000), who);
});

test("10,000 calls a second while the collector is gone: nothing is thrown, nothing grows, and the account of losses is exact", async () => {
  const place = new Place();
  const file = program(place, "alone.mjs", `${begin}
    const producer = new Producer();
    const statuses = { recorded: 0, dropped: 0 };
    const event = { taskId: "task-1", agentId: "agent-7", taskType: "x".repeat(200), outcome: { success: true, qualityScore: 0.9 } };
    const rss = () => { globalThis.gc(); return process.memoryUsage.rss(); };
    let before, calls = 0;
    const began = performance.now();
    for (let slice = 0; slice < 400; ++slice) { // of 10 ms
      for (let i = 0; i < 100; ++i) ++statuses[producer.recordTaskExecution(event)];
      calls += 100;
      if (slice === 200) before = rss(); // the lane is full by now
      const wait = began + 10 * (slice + 1) - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    }
    console.log(JSON.stringify({ calls, statuses, account: producer.account(), grown: rss() - before, error: producer.lastError() }));`);
  const child = place.start(process.execPath, ["--expose-gc", file]);
  assert.equal(await child.ended, 0, child.err);
  const { calls, statuses, account, grown, error } = JSON.parse(child.out);
  assert.equal(calls, 40_000);
  assert.ok(statuses.dropped > 10_000, JSON.stringify(statuses));
  assert.equal(statuses.recorded + statuses.dropped, 40_000);
  const { recorded, dropped } = statuses;
  assert.deepEqual(account, { attempted: 40_000, recorded, laneFull: dropped, noLane: 0, reentrant: 0, refused: 0 });
  assert.equal(error.rule, "the lane is full");
  assert.ok(grown < 2 << 20, `grown by ${grown} bytes`);

  await place.collect();
  await until(() => place.ask("stats").retainedEvents === recorded, "all is collected");
  const { losses } = place.ask("stats");
  assert.equal(losses.dropped, dropped);
  assert.equal(losses.refused, 0);
});

test("switched off by ARBITER_DISABLE or by a pause, calls answer so and cost nothing else; flush waits as long as it is told", async () => {
  const place = new Place();
  const producer = new Producer({ ringDir: place.lanes });
  assert.equal(producer.recordEvent({ type: "before", data: {} }), "recorded");
  const began = performance.now();
  assert.equal(await producer.flush(100), false);
  assert.ok(performance.now() - began >= 99);
  await place.collect();
  assert.equal(await producer.flush(), true);
  place.ctl("pause");
  await until(() => producer.recordEvent({ type: "paused", data: {} }) === "disabled", "the pause is heard of");
  assert.deepEqual(producer.decided("t", "a"), { status: "disabled", id: "" });
  place.ctl("resume");
  await until(() => producer.recordEvent({ type: "resumed", data: {} }) === "recorded", "so is the resume");
  const file = program(place, "off.mjs", `${begin} console.log(new Producer({ strict: true }).recordEvent({ type: "off", data: {} }));`);
  const off = place.start(process.execPath, [file], { env: { ...place.environment, ARBITER_DISABLE: "1" } });
  assert.equal(await off.ended, 0, off.err);
  assert.equal(off.out, "disabled\n");
});

test("a thread that gives its lane back lets go of its segment, which is collected and removed, and records on in another", async () => {
  const place = new Place();
  await place.collect();
  const files = () => readdirSync(place.lanes).filter((name) => name.startsWith("lanes-"));
  const producer = new Producer({ ringDir: place.lanes });
  producer.detachThread(); // without a lane: nothing
  for (let round = 0; round < 3; ++round) {
    assert.equal(producer.recordEvent({ type: "counted", data: { who: round, i: 0 } }), "recorded");
    assert.equal(mapped(place.memory), 1);
    producer.detachThread();
    assert.equal(mapped(place.memory), 0);
    assert.equal(await producer.flush(), true);
  }
  await until(() => files().length === 0, "the collector has removed the files");
  assert.deepEqual(producer.account(), { attempted: 3, recorded: 3, laneFull: 0, noLane: 0, reentrant: 0, refused: 0 });
  assert.equal(place.exported().length, 3);
});

test("the last producer of a place in a thread that is closed gives the lane back, and no other", async () => {
  const place = new Place();
  await place.collect();
  const [first, second] = [1, 2].map(() => new Producer({ ringDir: place.lanes }));
  const elsewhere = new Producer({ ringDir: `${place.lanes}-2` });
  for (const producer of [first, second, elsewhere]) assert.equal(producer.recordEvent({ type: "own", data: {} }), "recorded");
  first.close();
  first.close();
  first.detachThread(); // closed: nothing
  assert.equal(mapped(place.memory), 1);
  second.close();
  assert.equal(mapped(place.memory), 0);
  assert.equal(elsewhere.recordEvent({ type: "own", data: {} }), "recorded");
  const again = new Producer({ ringDir: place.lanes });
  assert.equal(await again.flush(), true);
  assert.equal(again.account().recorded, 2);
  assert.equal(mapped(place.memory), 0); // flush and account need no lane
});

test("a full tmpfs, or a directory that cannot be, is a counted loss with its reason", () => {
  const producer = new Producer({ ringDir: "/proc/no/such/place" });
  assert.equal(producer.recordEvent({ type: "lost", data: {} }), "dropped");
  assert.match(producer.problem(), /\/proc\/no/);
  assert.equal(producer.account().noLane, 1);
  assert.equal(producer.attachThread(), false);
  assert.throws(() => new Producer({ ringDir: "/proc/no/such/place", strict: true }).recordEvent({ type: "lost", data: {} }), {
    name: "ArbiterError",
    status: "dropped",
  });
});
