// The collectors that trackers start for themselves: soon there, one a tracker, and gone with it, however it goes.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, readdirSync } from "node:fs";
import { test } from "node:test";
import v8 from "node:v8";
import vm from "node:vm";

import { Place, arbiter, mapped, packageDir, program, sleep, until } from "./place.mjs";

const { PerformanceTracker, backend } = arbiter();
const event = { type: "own", timestamp: new Date().toISOString(), data: { n: 1 } };

// All that is made in here is made there.
function room() {
  const place = new Place();
  chmodSync(place.memory, 0o700);
  process.env.XDG_RUNTIME_DIR = place.memory;
  const directories = () => readdirSync(place.memory).filter((name) => name.startsWith("arbiter-embedded-"));
  const collectors = () => spawnSync("pgrep", ["-f", "--", `--embedded ${place.memory}/`], { encoding: "utf8" }).stdout.split("\n").filter(Boolean);
  return { place, directories, collectors, nothing: () => directories().length === 0 && collectors().length === 0 };
}

// One that is used, and then closed or forgotten.
async function used(close) {
  const tracker = new PerformanceTracker({ anonymizeData: false });
  tracker.startCollection();
  await tracker.recordEvent(event);
  assert.equal(tracker.exportTrainingData().length, 1);
  if (close) tracker.close();
}

const many = backend === "addon" ? 100 : 10;
test(`${many} trackers one after another, closed, keep no segment mapped`, async () => {
  const { place, nothing } = room();
  const after = [];
  for (let i = 0; i < many; ++i) {
    await used(true);
    after.push(mapped(place.memory));
  }
  assert.deepEqual(after, Array(many).fill(0));
  await until(nothing, "the last collector is gone");
});

test("trackers of workers that end without closing them, and of collectors that are killed, keep no more than the last segment", async () => {
  const { place, collectors, nothing } = room();
  const { Worker } = await import("node:worker_threads");
  for (let i = 0; i < 5; ++i) {
    const worker = new Worker(child(place, up), { env: { ...process.env } });
    assert.equal(await new Promise((resolve) => worker.on("exit", resolve)), 0);
    await until(nothing, "the worker's collector is gone");
    assert.ok(mapped(place.memory) <= 1);
  }
  for (let i = 0; i < 5; ++i) {
    const tracker = new PerformanceTracker();
    tracker.startCollection();
    await tracker.recordEvent(event);
    assert.equal(tracker.exportTrainingData().length, 1);
    process.kill(Number(collectors()[0]), "SIGKILL");
    tracker.close();
    await until(nothing, "the collector is gone");
    assert.ok(mapped(place.memory) <= 1);
  }
});

test(`${many} trackers one after another, half of them closed and half forgotten, leave nothing behind`, async () => {
  const { place, directories, nothing } = room();
  const began = Date.now();
  let most = 0;
  for (let i = 0; i < many; ++i) {
    await used(i % 2 === 0);
    most = Math.max(most, directories().length);
    await sleep(0);
  }
  console.log(`${many} trackers: ${Date.now() - began} ms, at most ${most} collectors at a time`);
  v8.setFlagsFromString("--expose-gc");
  const collectGarbage = vm.runInNewContext("gc");
  await until(() => {
    collectGarbage();
    return nothing() && mapped(place.memory) === 0;
  }, "the last collector is gone, and so are the segments");
});

const child = (place, body) =>
  program(place, "child.mjs", `import { createRequire } from "node:module";
    const { PerformanceTracker } = createRequire(import.meta.url)(${JSON.stringify(packageDir)});
    const tracker = new PerformanceTracker();
    tracker.startCollection();
    await tracker.recordEvent(${JSON.stringify(event)});
    ${body}`);
const up = "console.log(tracker.exportTrainingData().length);";

for (const [how, body, wanted] of [
  ["returns, which its collector does not hold up", up, 0],
  ["calls process.exit at once", "process.exit(3)", 3],
  ["throws", `${up} throw new Error("of its own")`, 1],
  ["is killed", `${up} process.kill(process.pid, "SIGKILL")`, "SIGKILL"],
  ["is killed before its collector answers", `process.kill(process.pid, "SIGKILL")`, "SIGKILL"],
  ["is interrupted", `${up} process.kill(process.pid, "SIGINT"); setTimeout(() => {}, 10_000)`, "SIGINT"],
])
  test(`nothing is left of a process that ${how}`, async () => {
    const { place, nothing } = room();
    const parent = place.start(process.execPath, [child(place, body)], { env: process.env });
    assert.equal(await parent.ended, wanted, parent.err);
    if (body.includes(up)) assert.equal(parent.out, "1\n");
    await until(nothing, "the collector is gone");
  });

test("a collector that is killed is started again, with all that it had journalled; so is one in a worker that ends", async () => {
  const { place, collectors, nothing } = room();
  const tracker = new PerformanceTracker();
  tracker.startCollection();
  await tracker.recordEvent(event);
  assert.equal(tracker.exportTrainingData().length, 1);
  process.kill(Number(collectors()[0]), "SIGKILL");
  await tracker.recordEvent(event);
  assert.equal(tracker.exportTrainingData().length, 2);
  tracker.close();
  await until(nothing, "the collector is gone");
  const { Worker } = await import("node:worker_threads");
  const worker = new Worker(child(place, `${up}`), { env: { ...process.env } });
  assert.equal(await new Promise((resolve) => worker.on("exit", resolve)), 0);
  await until(nothing, "the worker's collector is gone");
});

test("without a collector to run, nothing is thrown about: it is warned of, and questions find nothing", async () => {
  const { directories } = room();
  const warnings = [];
  const listener = (warning) => warnings.push(warning.message);
  process.on("warning", listener);
  const tracker = new PerformanceTracker({ collector: "/nowhere/arbiter-collector" });
  tracker.startCollection();
  await tracker.recordEvent(event);
  assert.deepEqual(tracker.exportTrainingData(), []);
  const broken = new PerformanceTracker({ collector: "/bin/false" });
  broken.startCollection();
  await broken.recordEvent(event);
  assert.throws(() => broken.getStats(), /does not stay up/);
  broken.close();
  await sleep(50);
  process.off("warning", listener);
  assert.match(warnings[0], /nothing is recorded: \/nowhere\/arbiter-collector: cannot be run/);
  await until(() => directories().length === 0, "its directory is gone");
});
