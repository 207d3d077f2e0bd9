// A tracker on the collector that others use too.
import assert from "node:assert/strict";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";

import { Place, arbiter, program } from "./place.mjs";

const { ControlError, PerformanceTracker, Producer } = arbiter();
const decision = { taskId: "task-1", selectedAgent: "agent-1", confidence: 0.5 };

for (const given of ["socket", "ringDir", "both", "environment"])
  test(`a tracker that is given ${given} records into the shared collector, starts of tasks too, and asks it about everybody's`, async (t) => {
    const place = new Place();
    await place.collect();
    const others = new Producer({ ringDir: place.lanes });
    others.recordEvaluationOutcome({ taskId: "task-9", evaluation: { passed: true } });
    const options = { socket: { socket: place.socket }, ringDir: { ringDir: place.lanes }, environment: {} };
    options.both = { ...options.socket, ...options.ringDir };
    if (given === "environment") {
      process.env.ARBITER_SOCKET = place.socket;
      t.after(() => delete process.env.ARBITER_SOCKET);
    }
    const tracker = new PerformanceTracker(options[given]);
    tracker.startCollection();
    await tracker.recordRoutingDecision(decision);
    const id = tracker.startTaskExecution("task-1", "agent-1", decision, { attempt: 1 });
    await tracker.completeTaskExecution(id, { success: true });
    assert.deepEqual(tracker.exportTrainingData().map((event) => event.type), ["evaluation-outcome", "routing-decision", "task-execution"]);
    const start = place.exported().map((line) => JSON.parse(line)).find((event) => event.type === "task-start");
    assert.equal(start.data.executionId, id);
    assert.deepEqual(start.data.context, { attempt: 1 });
    assert.equal(tracker.getStats().totalEvaluationOutcomes, 1);

    // Its user may: what the constructor's defaults say changes nothing, updateConfig does.
    assert.equal(place.ask("config", "get").retention.max_events, null);
    tracker.updateConfig({ maxEventsInMemory: 2, batchSize: 9 });
    assert.equal(place.ask("config", "get").retention.max_events, 2);
    assert.equal(place.ask("config", "get").retention.max_age, null);
    assert.equal(tracker.exportTrainingData().length, 1); // and the start
    assert.throws(() => tracker.updateConfig({ anonymizeData: false }), /anonymizeData belongs to the collector at .*anonymization\.enabled/);
    tracker.clearData();
    assert.equal(place.ask("stats").retainedEvents, 0);
    tracker.close();
    assert.equal(place.ctl("status").status, 0);
  });

test("what its user may not change there says so, and is as it was; a collector that is away is named", async () => {
  const place = new Place();
  const socket = path.join(place.memory, "other.sock");
  const file = program(place, "refuses.mjs", `import http from "node:http";
    http.createServer((request, response) => {
      response.writeHead(403, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ error: "uid 7 may not change anything here" }));
    }).listen(${JSON.stringify(socket)}, () => console.log("up"));`);
  const server = place.start(process.execPath, [file]);
  await once(server.stdout, "data");
  const tracker = new PerformanceTracker({ socket });
  const refused = { name: "ControlError", status: 403, message: /not this user's to change: uid 7 may not change anything here/ };
  assert.throws(() => tracker.updateConfig({ retentionPeriodMs: 100 }), refused);
  assert.throws(() => tracker.clearData(), refused);
  assert.equal(tracker.getConfig().retentionPeriodMs, 2_592_000_000);
  const away = new PerformanceTracker({ socket: path.join(place.memory, "nobody.sock") });
  away.startCollection();
  await away.recordRoutingDecision(decision); // into shared memory, for when it is there
  assert.throws(() => away.getStats(), (error) => error instanceof ControlError && /no collector answers at .*nobody.sock/.test(error.message));
});

test("an answer may be of any size, and in pieces", async () => {
  const place = new Place();
  await place.collect();
  const tracker = new PerformanceTracker({ socket: place.socket });
  tracker.startCollection();
  const producer = new Producer({ ringDir: place.lanes, waitUpToMs: 10_000, strict: true });
  const text = "é".repeat(1000);
  for (let i = 0; i < 5000; ++i) producer.recordEvent({ type: "large", data: { i, text } });
  const events = tracker.exportTrainingData();
  assert.deepEqual(events.map((event) => event.data.i), Array.from({ length: 5000 }, (_, i) => i));
  assert.ok(events.every((event) => event.data.text === text));
});
