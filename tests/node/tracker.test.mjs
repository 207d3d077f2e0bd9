// The tracker that programs had in their process: what they rely on, over a collector of its own.
import assert from "node:assert/strict";
import { test } from "node:test";

import { arbiter, sleep } from "./place.mjs";

const { PerformanceTracker } = arbiter();

const decisionOf = (taskId, more) => ({
  taskId,
  selectedAgent: "agent-1",
  routingStrategy: "multi-armed-bandit",
  confidence: 0.85,
  alternativesConsidered: [
    { agentId: "agent-1", score: 0.9, reason: "best" },
    { agentId: "agent-2", score: 0.75, reason: "good" },
  ],
  rationale: "highest score",
  timestamp: new Date().toISOString(),
  ...more,
});
const outcomeOf = (success) => ({
  success,
  qualityScore: success ? 0.85 : 0.3,
  efficiencyScore: 0.9,
  tokensConsumed: 1500,
  completionTimeMs: 2500,
});
function tracker(t, config, dataCollector) {
  const made = new PerformanceTracker({ anonymizeData: false, ...config }, dataCollector);
  t.after(() => made.close());
  made.startCollection();
  return made;
}
const ofType = (made, type) => made.exportTrainingData().filter((event) => event.type === type);
const iso = (ms) => new Date(ms).toISOString();

test("defaults are today's, and a tracker that collects nothing answers without a collector", () => {
  const made = new PerformanceTracker();
  const config = { maxEventsInMemory: 10_000, enabled: true, retentionPeriodMs: 2_592_000_000, batchSize: 100, anonymizeData: true };
  assert.deepEqual(made.getConfig(), config);
  assert.equal(made.isActive(), false);
  assert.equal(made.startTaskExecution("t", "a", decisionOf("t")), "");
  assert.deepEqual(made.exportTrainingData(), []);
  const { collectionStartedAt, lastUpdatedAt, ...zeros } = made.getStats();
  assert.deepEqual(Object.values(zeros), [0, 0, 0, 0, 0]);
  assert.ok(Date.parse(collectionStartedAt) <= Date.parse(lastUpdatedAt));
  const off = new PerformanceTracker({ enabled: false });
  off.startCollection();
  assert.equal(off.isActive(), false);
  made.updateConfig({ batchSize: 7 });
  assert.equal(made.getConfig().batchSize, 7);
});

test("every method's event is in the export, with its data", async (t) => {
  const made = tracker(t);
  const before = Date.now();
  const registered = iso(before - 60_000);
  const baselineMetrics = { latencyMs: 250, accuracy: 0.85, costPerTask: 0.05, reliability: 0.95 };
  await made.recordAgentRegistration("agent-1", { capabilities: ["edit", "analyse"], baselineMetrics, registrationTimestamp: registered });
  await made.recordAgentStatusChange("agent-1", "busy", { previousStatus: "available", reason: "a task" });
  const decision = decisionOf("task-1", { timestamp: iso(before - 1000) });
  await made.recordRoutingDecision(decision);
  const executionId = made.startTaskExecution("task-1", "agent-1", decision, { attempt: 1 });
  await sleep(15);
  await made.completeTaskExecution(executionId, outcomeOf(true));
  const evaluation = { passed: true, score: 0.85, rubricScores: { tests: 1 }, feedback: "good" };
  await made.recordEvaluationOutcome("task-1", evaluation);
  const validationResult = {
    valid: false,
    violations: [{ severity: "high", message: "no tests", rule: "R1" }],
    complianceScore: 0.95,
    processingTimeMs: 150,
    ruleCount: 25,
  };
  await made.recordConstitutionalValidation({ taskId: "task-1", agentId: "agent-1", validationResult });
  await made.recordThinkingBudget("task-1", { allocatedTokens: 5000, complexityLevel: "high", confidence: 0.8 });
  await made.recordBudgetUsage("task-1", { tokensUsed: 4500, tokensAllocated: 5000, utilizationRate: 0.9 });
  const minimality = { minimalityFactor: 0.85, astSimilarity: 0.92, scaffoldingPenalty: 0.05, linesChanged: 25, qualityAssessment: "excellent" };
  await made.recordMinimalityEvaluation("task-1", minimality);
  const judgment = { overallScore: 0.88, overallConfidence: 0.9, allCriteriaPass: true, criteriaScores: { clarity: 0.85 }, evaluationTimeMs: 350 };
  await made.recordJudgment("task-1", judgment);
  const training = { trajectoriesProcessed: 100, averageReward: 0.75, policyLoss: 0.15, valueLoss: 0.12, klDivergence: 0.02, trainingTimeMs: 5000 };
  await made.recordRLTrainingMetrics(training);
  await made.recordEvent({ type: "my-own", timestamp: iso(before - 500), data: { index: 7, nested: { list: [1, null] } } });
  await made.recordEvent({ type: "evaluation-outcome", timestamp: iso(before - 400), data: { taskId: "task-2", evaluation: { passed: false, score: 1 } } });

  const events = made.exportTrainingData();
  assert.deepEqual(events.map((event) => event.type), [
    "agent-registration", "routing-decision", "my-own", "evaluation-outcome", "agent-status-change", "task-execution",
    "evaluation-outcome", "constitutional-validation", "thinking-budget-allocation", "thinking-budget-usage", "minimality-evaluation",
    "model-judgment", "rl-training-metrics",
  ]);
  assert.ok(events.every((event) => Object.keys(event).join() === "type,timestamp,data"));
  const [registration, routing, own, other, status, execution, evaluated, validation, budget, usage, minimal, judged, trained] = events;
  assert.equal(registration.timestamp, registered);
  assert.deepEqual(registration.data, { agentId: "agent-1", capabilities: ["edit", "analyse"], baselineMetrics, eventType: "agent_registration" });
  assert.deepEqual(status.data, {
    agentId: "agent-1", status: "busy", previousStatus: "available", reason: "a task", eventType: "agent_status_change",
  });
  const { decisionId, ...routed } = routing.data;
  const { timestamp, ...decided } = decision;
  assert.deepEqual(routed, decided);
  assert.equal(routing.timestamp, timestamp);
  assert.deepEqual(own, { type: "my-own", timestamp: iso(before - 500), data: { index: 7, nested: { list: [1, null] } } });
  assert.deepEqual(other.data, { taskId: "task-2", evaluation: { passed: false, score: 1 } });
  assert.equal(execution.data.executionId, executionId);
  assert.deepEqual(execution.data.outcome, outcomeOf(true));
  assert.equal(execution.data.routingDecision.selectedAgent, "agent-1");
  assert.equal(execution.data.routingDecision.confidence, 0.85);
  assert.ok(execution.data.durationMs >= 14 && execution.data.durationMs < 5000, `${execution.data.durationMs}`);
  assert.deepEqual(evaluated.data, { taskId: "task-1", evaluation });
  assert.deepEqual(validation.data, { taskId: "task-1", agentId: "agent-1", validationResult, eventType: "constitutional_validation" });
  assert.deepEqual(budget.data, { taskId: "task-1", allocatedTokens: 5000, complexityLevel: "high", confidence: 0.8, eventType: "thinking_budget" });
  assert.deepEqual(usage.data, { taskId: "task-1", tokensUsed: 4500, tokensAllocated: 5000, utilizationRate: 0.9, eventType: "budget_usage" });
  assert.deepEqual(minimal.data, { taskId: "task-1", ...minimality, eventType: "minimality_eval" });
  assert.deepEqual(judged.data, { taskId: "task-1", ...judgment, eventType: "model_judgment" });
  assert.deepEqual(trained.data, { ...training, eventType: "rl_training" });

  const stats = made.getStats();
  assert.equal(stats.totalRoutingDecisions, 1);
  assert.equal(stats.totalTaskExecutions, 1);
  assert.equal(stats.totalEvaluationOutcomes, 2);
  assert.equal(stats.averageCompletionTimeMs, execution.data.durationMs);
  assert.equal(stats.overallSuccessRate, 1);
  events[0].data.agentId = "changed";
  assert.equal(made.exportTrainingData()[0].data.agentId, "agent-1");
});

// Node takes timeOrigin from two clocks, one after the other: on a busy machine it is off by milliseconds, here by a minute.
test("an execution ends by the clock of the other events, however wrong the process's own time is", async (t) => {
  const { timeOrigin } = performance;
  Object.defineProperty(performance, "timeOrigin", { configurable: true, value: timeOrigin - 60_000 });
  t.after(() => Object.defineProperty(performance, "timeOrigin", { configurable: true, value: timeOrigin }));
  const made = tracker(t);
  await made.recordAgentStatusChange("agent-1", "busy", { previousStatus: "available" });
  const before = Date.now();
  const executionId = made.startTaskExecution("task-1", "agent-1", decisionOf("task-1"));
  await sleep(5);
  await made.completeTaskExecution(executionId, outcomeOf(true));
  const after = Date.now();
  await made.recordEvaluationOutcome("task-1", { passed: true, score: 1 });
  const events = made.exportTrainingData();
  assert.deepEqual(events.map((event) => event.type), ["agent-status-change", "task-execution", "evaluation-outcome"]);
  const ended = Date.parse(events[1].timestamp);
  assert.ok(before <= ended && ended <= after, `${before} <= ${ended} <= ${after}`);
  assert.ok(events[1].data.durationMs <= after - before + 1, `${events[1].data.durationMs}`);
});

test("a thousand concurrent decisions are all in the export, in order of time", async (t) => {
  const made = tracker(t);
  const start = Date.now() - 2000;
  const ids = Array.from({ length: 1000 }, (_, i) => `task-${i}`);
  const shuffled = ids.map((id, i) => [id, (i * 7919) % 1000]);
  await Promise.all(shuffled.map(([id, at]) => made.recordRoutingDecision(decisionOf(id, { timestamp: iso(start + at) }))));
  const events = made.exportTrainingData();
  assert.equal(events.length, 1000);
  assert.equal(new Set(events.map((event) => event.data.taskId)).size, 1000);
  assert.deepEqual(events.map((event) => Date.parse(event.timestamp) - start), ids.map((_, i) => i));
  assert.equal(made.getStats().totalRoutingDecisions, 1000);
});

test("ten executions of which eight succeed are 0.8, exactly; ids are unique within one millisecond", async (t) => {
  const made = tracker(t);
  const ids = Array.from({ length: 10 }, () => made.startTaskExecution("task", "agent-1", decisionOf("task")));
  assert.equal(new Set(ids).size, 10);
  await Promise.all(ids.map((id, i) => made.completeTaskExecution(id, outcomeOf(i % 5 !== 0))));
  const stats = made.getStats();
  assert.equal(stats.totalTaskExecutions, 10);
  assert.equal(stats.overallSuccessRate, 0.8);
  await made.completeTaskExecution("of-nobody", outcomeOf(true));
  await made.completeTaskExecution(ids[0], outcomeOf(true));
  assert.equal(made.getStats().totalTaskExecutions, 10);
});

for (const limit of [1, 10, 50, 100])
  test(`a limit of ${limit} leaves exactly the newest ${limit}, whether it was there before or came after`, async (t) => {
    const made = tracker(t, { maxEventsInMemory: limit });
    const record = (from, to) => {
      for (let i = from; i < to; ++i) made.recordEvent({ type: "counted", timestamp: iso(Date.now()), data: { i } });
    };
    const newest = (to, count) => Array.from({ length: count }, (_, i) => to - count + i);
    const left = () => made.exportTrainingData().map((event) => event.data.i);
    record(0, 500);
    assert.deepEqual(left(), newest(500, limit));
    const id = made.startTaskExecution("task", "agent-1", decisionOf("task")); // counts for nothing
    assert.deepEqual(left(), newest(500, limit));
    made.updateConfig({ maxEventsInMemory: 1000 });
    record(500, 600);
    assert.deepEqual(left(), newest(600, limit + 100));
    made.updateConfig({ maxEventsInMemory: limit });
    assert.deepEqual(left(), newest(600, limit));
    await made.completeTaskExecution(id, outcomeOf(true));
    assert.equal(made.exportTrainingData().at(-1).type, "task-execution");
    assert.equal(made.exportTrainingData().length, limit);
  });

test("a retention of 100 ms leaves what is younger, and an export since a time what happened then or later", async (t) => {
  const made = tracker(t);
  made.updateConfig({ retentionPeriodMs: 5000 });
  const now = Date.now();
  for (const ago of [4000, 300, 200, 0]) await made.recordEvent({ type: "aged", timestamp: iso(now - ago), data: { ago } });
  const ages = (since) => made.exportTrainingData(since).map((event) => event.data.ago);
  assert.deepEqual(ages(), [4000, 300, 200, 0]);
  assert.deepEqual(ages(iso(now - 300)), [300, 200, 0]);
  assert.deepEqual(ages(iso(now - 299)), [200, 0]);
  assert.deepEqual(ages(iso(now + 1000)), []);
  assert.deepEqual(ages("no time"), []);
  made.updateConfig({ retentionPeriodMs: 100 });
  assert.ok(!ages().some((ago) => ago >= 200));
  await sleep(150);
  assert.deepEqual(ages(), []);
  await made.recordEvent({ type: "aged", timestamp: iso(Date.now()), data: { ago: -1 } });
  assert.deepEqual(ages(), [-1]);
  assert.equal(made.getStats().totalTaskExecutions, 0);
});

test("anonymised ids differ from their originals, and are the same for the same id, at any depth; off again it is off", async (t) => {
  const made = tracker(t, { anonymizeData: true });
  await made.recordRoutingDecision(decisionOf("task-1"));
  const id = made.startTaskExecution("task-1", "agent-1", decisionOf("task-1"));
  await made.completeTaskExecution(id, outcomeOf(true));
  await made.recordEvent({ type: "own", timestamp: iso(Date.now()), data: { parentTaskIds: ["task-1"], deep: [{ agentId: "agent-1" }], n: 1 } });
  // By their types: the time of `own` has milliseconds alone, and comes before an execution of the same one.
  const by = (events, type) => events.find((event) => event.type === type);
  const before = made.exportTrainingData();
  const [routing, execution, own] = ["routing-decision", "task-execution", "own"].map((type) => by(before, type));
  const text = JSON.stringify(made.exportTrainingData());
  for (const original of ["task-1", "agent-1", "agent-2", id]) assert.ok(!text.includes(`"${original}`), original);
  assert.ok(!text.includes("highest score"));
  assert.equal(routing.data.taskId, execution.data.taskId);
  assert.equal(routing.data.selectedAgent, execution.data.agentId);
  assert.equal(routing.data.alternativesConsidered[0].agentId, routing.data.selectedAgent);
  assert.notEqual(routing.data.alternativesConsidered[1].agentId, routing.data.selectedAgent);
  assert.deepEqual(own.data, { parentTaskIds: [routing.data.taskId], deep: [{ agentId: routing.data.selectedAgent }], n: 1 });

  made.updateConfig({ anonymizeData: false });
  await made.recordEvaluationOutcome("task-1", { passed: true, score: 1 });
  const events = made.exportTrainingData();
  assert.equal(events.length, 4);
  assert.equal(by(events, "routing-decision").data.taskId, routing.data.taskId);
  assert.equal(by(events, "task-execution").data.durationMs, execution.data.durationMs);
  assert.equal(by(events, "evaluation-outcome").data.taskId, "task-1");
  assert.equal(made.getStats().totalTaskExecutions, 1);
});

test("clearData leaves nothing, of executions under way neither; stopping and starting keeps what there is", async (t) => {
  const made = tracker(t);
  await made.recordEvaluationOutcome("task-1", { passed: true, score: 1 });
  const id = made.startTaskExecution("task-1", "agent-1", decisionOf("task-1"));
  made.stopCollection();
  assert.equal(made.isActive(), false);
  await made.recordEvaluationOutcome("task-2", { passed: true, score: 1 });
  assert.equal(made.startTaskExecution("task-2", "agent-1", decisionOf("task-2")), "");
  made.startCollection();
  assert.equal(made.exportTrainingData().length, 1);
  made.updateConfig({ enabled: false });
  assert.equal(made.isActive(), false);
  made.updateConfig({ enabled: true });
  assert.equal(made.isActive(), true);
  made.clearData();
  assert.deepEqual(made.exportTrainingData(), []);
  await made.completeTaskExecution(id, outcomeOf(true));
  assert.deepEqual(made.exportTrainingData(), []);
  await made.recordEvaluationOutcome("task-3", { passed: false, score: 0 });
  assert.equal(ofType(made, "evaluation-outcome").length, 1);
});

test("a data collector hears of each event it has a method for, and its failures reach nobody", async (t) => {
  const calls = [];
  const methods = [
    "startCollection", "stopCollection", "recordTaskStart", "recordTaskCompletion", "recordAgentRegistration", "recordAgentStatusChange",
    "recordRoutingDecision", "recordConstitutionalValidation",
  ];
  const listening = Object.fromEntries(methods.map((name) => [name, (...args) => calls.push([name, ...args])]));
  const throwing = Object.fromEntries(methods.map((name) => [name, () => assert.fail("of theirs")]));
  const rejecting = Object.fromEntries(methods.map((name) => [name, () => Promise.reject(new Error("of theirs"))]));
  const decision = decisionOf("task-1");
  const validation = { taskId: "task-1", agentId: "agent-1", validationResult: { valid: true } };
  const registration = { capabilities: ["c"], baselineMetrics: {}, registrationTimestamp: iso(Date.now()) };
  let executionId;
  for (const dataCollector of [listening, throwing, rejecting, {}, null]) {
    const made = tracker(t, {}, dataCollector);
    await made.recordAgentRegistration("agent-1", registration);
    await made.recordAgentStatusChange("agent-1", "busy", { reason: "r" });
    await made.recordRoutingDecision(decision);
    const id = made.startTaskExecution("task-1", "agent-1", decision, { attempt: 1 });
    executionId ??= id;
    await made.completeTaskExecution(id, outcomeOf(true));
    await made.recordConstitutionalValidation(validation);
    await made.recordEvaluationOutcome("task-1", { passed: true, score: 1 });
    made.stopCollection();
    assert.equal(made.exportTrainingData().length, 6);
    made.close();
  }
  const completion = calls.find(([name]) => name === "recordTaskCompletion");
  assert.deepEqual(calls.filter((call) => call !== completion), [
    ["startCollection"],
    ["recordAgentRegistration", "agent-1", registration],
    ["recordAgentStatusChange", "agent-1", "busy", { reason: "r" }],
    ["recordRoutingDecision", "task-1", "agent-1", [{ agentId: "agent-1", score: 0.9 }, { agentId: "agent-2", score: 0.75 }], {
      confidence: 0.85, rationale: "highest score", alternativesConsidered: decision.alternativesConsidered,
    }],
    ["recordTaskStart", "task-1", "agent-1", { attempt: 1 }],
    ["recordConstitutionalValidation", validation],
    ["stopCollection"],
  ]);
  const [, taskId, agentId, metrics, { startedAt, ...about }] = completion;
  assert.deepEqual([taskId, agentId, about], ["task-1", "agent-1", { executionId, routingDecision: decision, context: { attempt: 1 } }]);
  assert.equal(metrics.accuracy.qualityScore, 0.85);
  assert.ok(Math.abs(Date.parse(startedAt) - Date.now()) < 60_000);
});
