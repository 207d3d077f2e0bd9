// Every kind and every field, through ring, journal and export, value for value: what tests/c/every_kind.jsonl says of them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { Place, arbiter, source } from "./place.mjs";

const { Producer, backend } = arbiter();
const first = 1730000000123456789n;

// JSON with whole numbers that a double does not hold: they become {big: digits}.
const parse = (text) => JSON.parse(text.replace(/([:[,]\s*)(\d{17,})(?=[,\]}])/g, '$1{"big": "$2"}'));
const big = (value) => {
  if (value === null || typeof value !== "object") return value;
  if ("big" in value && Object.keys(value).length === 1) return BigInt(value.big);
  return Array.isArray(value) ? value.map(big) : Object.fromEntries(Object.entries(value).map(([key, one]) => [key, big(one)]));
};
const text = (value) => JSON.stringify(value).replace(/\{"big":"(\d+)"\}/g, "$1");

const wanted = readFileSync(path.join(source, "tests/c/every_kind.jsonl"), "utf8").trim().split("\n").map(parse);

// The event that is to be recorded for a line of the export.
function eventOf({ type, timestampNs, data, traceId, spanId }) {
  const time = BigInt(timestampNs);
  if (type === "cache-warmed") return { type, data: text(data), time, traceId, spanId };
  const { eventType, durationMs, joinState, ...fields } = data;
  return { type, ...big(fields), time };
}
const told = (line) => {
  const { id, timestamp, ...rest } = parse(line);
  return rest;
};

const methods = {
  "agent-registration": "recordAgentRegistration",
  "agent-status-change": "recordAgentStatusChange",
  "routing-decision": "recordRoutingDecision",
  "task-start": "recordTaskStart",
  "task-execution": "recordTaskExecution",
  "constitutional-validation": "recordConstitutionalValidation",
  "thinking-budget-allocation": "recordThinkingBudgetAllocation",
  "thinking-budget-usage": "recordThinkingBudgetUsage",
  "minimality-evaluation": "recordMinimalityEvaluation",
  "model-judgment": "recordModelJudgment",
  "rl-training-metrics": "recordRlTrainingMetrics",
  "evaluation-outcome": "recordEvaluationOutcome",
  "cache-warmed": "recordEvent",
};

test(`every kind and field that Node records is in the export, value for value (${backend})`, async () => {
  const place = new Place();
  await place.collect();
  const producer = new Producer({ ringDir: place.lanes, strict: true });
  for (const line of wanted) {
    const status = producer[methods[line.type]](eventOf(line));
    assert.equal(status.status ?? status, "recorded");
  }
  assert.equal(await producer.flush(), true);
  assert.deepEqual(place.exported().map(told), wanted);
  assert.deepEqual(producer.account(), { attempted: 13, recorded: 13, laneFull: 0, noLane: 0, reentrant: 0, refused: 0 });
});

test("a batch records the same, in its order, and one that is refused holds up no other", async () => {
  const place = new Place();
  await place.collect();
  const producer = new Producer({ ringDir: place.lanes });
  const events = wanted.map(eventOf);
  events.splice(5, 0, { type: "evaluation-outcome", taskId: "t", evaluation: { passed: true, score: Number.NaN } });
  const statuses = producer.recordBatch(events);
  assert.deepEqual(statuses.map((status, at) => (status === "recorded" ? at : status)), [0, 1, 2, 3, 4, "refused", 6, 7, 8, 9, 10, 11, 12, 13]);
  assert.equal(producer.lastError().message, "evaluation-outcome: evaluation.score: is not a finite number");
  const single = new Producer({ ringDir: `${place.lanes}-2` });
  assert.deepEqual(statuses, events.map((event) => single.record(event)));
  assert.equal(producer.flushSync(), true);
  assert.deepEqual(place.exported().map(told), wanted);
});

test("calls without an object, runs, ids that the library makes, and texts of any size and script", async () => {
  const place = new Place();
  await place.collect();
  const producer = new Producer({ ringDir: place.lanes, strict: true });
  const decision = producer.decided("task-1", "agent-7", 0.5, 0.25, "random");
  const start = producer.taskStarted("task-1", "agent-7", undefined, decision.id, "docs");
  producer.taskCompleted(start.id, "task-1", "agent-7", false, 0.125, 12, "timeout");
  const run = producer.startTask({ taskId: "task-2", agentId: "agent-7", decisionId: "mine", time: first });
  assert.deepEqual([run.status, run.taskId, run.agentId, run.decisionId], ["recorded", "task-2", "agent-7", "mine"]);
  assert.equal(run.complete({ success: true, tokensConsumed: 3n }, { time: first + 2_000_000n }), "recorded");
  assert.throws(() => run.complete({ success: true }), { name: "ArbiterError", status: "invalid" });
  const long = "é\0😀\ud800".repeat(6000); // 60,000 bytes, with what is no character
  producer.recordAgentStatusChange({ agentId: "ä".repeat(127), status: "busy", reason: long, time: new Date(1730000000000) });
  producer.recordModelJudgment({ taskId: "t", criteriaScores: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`criterion ${i}`, i])) });
  assert.equal(producer.flushSync(), true);

  const events = place.exported().map(told);
  const of = (type) => events.filter((event) => event.type === type);
  assert.equal(events.length, 7);
  const [status] = of("agent-status-change");
  assert.equal(status.data.reason, long.toWellFormed?.() ?? long.replaceAll("\ud800", "\ufffd"));
  assert.equal(status.data.agentId, "ä".repeat(127));
  assert.equal(status.timestampNs, "1730000000000000000");
  assert.equal(Object.keys(of("model-judgment")[0].data.criteriaScores).length, 500);
  const { decisionId, ...decided } = of("routing-decision")[0].data;
  assert.match(decisionId, /^[0-9a-f]{24}-\d+$/);
  assert.equal(decisionId, decision.id);
  assert.deepEqual(decided, { taskId: "task-1", selectedAgent: "agent-7", routingStrategy: "random", confidence: 0.5, propensity: 0.25 });
  const [early, late] = of("task-execution");
  assert.equal(early.data.durationMs, 2);
  assert.equal(early.data.executionId, run.executionId);
  assert.equal(late.data.executionId, start.id);
  assert.equal(late.data.joinState, "complete");
  assert.deepEqual(late.data.outcome, { success: false, qualityScore: 0.125, tokensConsumed: 12, errorType: "timeout" });
});

test("a value of a wrong type is invalid, and names field and rule; one that breaks a rule is refused; both throw only under strict", () => {
  const place = new Place();
  const producer = new Producer({ ringDir: place.lanes });
  const strict = new Producer({ ringDir: place.lanes, strict: true });
  const good = { taskId: "t", agentId: "a", outcome: { success: true } };
  const circular = {};
  circular.self = circular;
  for (const [event, status, message] of [
    [{ ...good, taskId: 7 }, "invalid", "taskId: is not a string"],
    [{ ...good, outcome: { success: 1 } }, "invalid", "outcome.success: is not true or false"],
    [{ ...good, outcome: { success: true, qualityScore: "1" } }, "invalid", "outcome.qualityScore: is not a number"],
    [{ ...good, outcome: { success: true, tokensIn: 1.5 } }, "invalid", "outcome.tokensIn: is not a whole number"],
    [{ ...good, outcome: { success: true, tokensIn: 2n ** 63n } }, "invalid", "outcome.tokensIn: is out of its range"],
    [{ ...good, time: "yesterday" }, "invalid", "time: is not a time"],
    [{ ...good, time: new Date(Number.NaN) }, "invalid", "time: is not a time"],
    [{ ...good, startedAtNs: "1.5" }, "invalid", "startedAtNs: is not a time"],
    [{ ...good, outcome: { success: true, qualityScore: 1.5 } }, "refused", "task-execution: outcome.qualityScore: is out of its range"],
    [{ ...good, outcome: {} }, "refused", "task-execution: outcome.success: is required and is missing or empty"],
    [{}, "refused", "task-execution: taskId: is required and is missing or empty"],
    [undefined, "refused", "task-execution: taskId: is required and is missing or empty"],
  ]) {
    assert.equal(producer.recordTaskExecution(event), status, message);
    assert.equal(producer.lastError().message, message);
    assert.throws(() => strict.recordTaskExecution(event), { name: "ArbiterError", status, message });
  }
  assert.equal(producer.recordEvent({ type: "own", data: circular }), "invalid");
  assert.equal(producer.recordAgentRegistration({ agentId: "a", capabilities: "c" }), "invalid");
  assert.equal(producer.recordTaskStart({ taskId: "t", agentId: "a", context: "{" }).status, "refused");
  assert.deepEqual(producer.account(), { attempted: 9, recorded: 0, laneFull: 0, noLane: 0, reentrant: 0, refused: 9 });
  producer.close();
  assert.equal(producer.recordTaskExecution(good), "invalid");
  assert.equal(producer.flushSync(0), false);
});
