// The tracker that programs had in their own process, over a collector: the same methods, and the same answers. index.d.ts says what each does.
"use strict";

const { randomBytes } = require("node:crypto");
const path = require("node:path");

const { backend } = require("./backend.js");
const { ControlError, ask } = require("./control.js");
const { Embedded } = require("./embedded.js");
const { Producer } = require("./producer.js");

const defaults = { maxEventsInMemory: 10_000, enabled: true, retentionPeriodMs: 30 * 86_400_000, batchSize: 100, anonymizeData: true };
const COLLECTOR_BYTES = 32 << 20; // what an embedded collector may hold; the garbage collector hears of it
const OPEN_MAX = 100_000; // executions that were started and not completed; the oldest is let go

const unique = ((prefix, count) => () => `${prefix}${(++count).toString(36)}`)(randomBytes(6).toString("hex"), 0);
const ID_BYTES_MAX = 255;

// Trackers that nobody has any more end their collector.
const forgotten = new FinalizationRegistry(({ producer, collector }) => endOwn(producer, collector));
function endOwn(producer, collector) {
  producer.close();
  collector.end();
  backend.holdMemory(-COLLECTOR_BYTES);
}

// ISO 8601, a Date or milliseconds; anything else is not given.
function timeOf(value) {
  const ms = value instanceof Date ? value.getTime() : typeof value === "string" ? Date.parse(value) : value;
  return Number.isFinite(ms) ? ms : undefined;
}
const nsOf = (value) => {
  const ms = timeOf(value);
  return ms === undefined ? undefined : BigInt(Math.round(ms)) * 1_000_000n;
};
const whole = (value) => (Number.isFinite(value) ? Math.round(value) : value);

function retention({ maxEventsInMemory: events, retentionPeriodMs: ms }) {
  return {
    max_events: Number.isFinite(events) ? Math.max(1, Math.trunc(events)) : null,
    max_age: Number.isFinite(ms) ? `${Math.max(1, Math.round(ms))}ms` : null,
  };
}

class PerformanceTracker {
  #config;
  #places;
  #dataCollector;
  #collecting = false;
  #producer = null;
  #collector = null; // embedded
  #executions = new Map();
  #startedAt = new Date().toISOString();
  #warned = new Set();

  constructor(config = {}, dataCollector) {
    const { socket, ringDir, collector, freeText, ...known } = config ?? {};
    this.#config = { ...defaults, ...known };
    const shared = socket ?? process.env.ARBITER_SOCKET;
    this.#places = { collector, freeText };
    if (shared || ringDir) {
      this.#places.socket = shared ?? path.join(path.dirname(ringDir), "control.sock");
      this.#places.ringDir = ringDir ?? process.env.ARBITER_RING_DIR ?? path.join(path.dirname(shared), "lanes");
    }
    this.#dataCollector = dataCollector;
  }

  // --- collecting

  startCollection() {
    if (!this.#config.enabled) return;
    this.#begin();
    this.#collecting = true;
    this.#forward("startCollection");
  }
  stopCollection() {
    this.#collecting = false;
    this.#forward("stopCollection");
  }
  isActive() {
    return this.#collecting && this.#config.enabled;
  }

  get #shared() {
    return this.#places.socket !== undefined;
  }

  // The producer, and the collector that it records for.
  #begin() {
    if (this.#producer !== null) return;
    if (this.#shared) {
      this.#producer = new Producer({ ringDir: this.#places.ringDir });
      return;
    }
    try {
      this.#collector = new Embedded(this.#places.collector, this.#collectorConfig());
    } catch (error) {
      this.#warn(`nothing is recorded: ${error.message}`);
      return;
    }
    backend.holdMemory(COLLECTOR_BYTES);
    this.#producer = new Producer({ ringDir: this.#collector.lanes });
    forgotten.register(this, { producer: this.#producer, collector: this.#collector }, this);
  }

  // Ends them.
  #end() {
    if (this.#collector === null) {
      this.#producer?.close();
    } else {
      forgotten.unregister(this);
      endOwn(this.#producer, this.#collector);
    }
    this.#producer = this.#collector = null;
  }

  // What one state holds is anonymised or not: another one is begun, and what was collected is recorded again, as it is.
  #beginAgain() {
    const lines = this.#lines("");
    this.#end();
    this.#begin();
    if (this.#collector === null) return;
    const again = new Producer({ ringDir: this.#collector.lanes, waitUpToMs: 10_000 });
    for (const line of lines) {
      const { type, data, timestampNs, traceId, spanId } = JSON.parse(line);
      again.record({ traceId, spanId, ...data, type, data, time: BigInt(timestampNs) });
    }
    again.close();
  }

  #collectorConfig() {
    return {
      retention: { ...retention(this.#config), max_bytes: "1GiB" },
      journal: { segment_bytes: "1MiB", sync: "never" },
      anonymization: { enabled: this.#config.anonymizeData, free_text: this.#places.freeText ?? "drop" },
      export: { interval: null },
      anomalies: { enabled: false },
      limits: { max_agents: 16, max_open_executions: 1000, max_producers: 100 },
      log: { level: "error" },
    };
  }

  #warn(message) {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    process.emitWarning(`PerformanceTracker: ${message}`, "ArbiterWarning");
  }

  #record(method, event) {
    const said = this.#producer?.[method](event);
    const status = said?.status ?? said;
    if (status !== "refused" && status !== "invalid") return;
    this.#warn(`an event was not recorded: ${this.#producer.lastError().message}`);
  }

  // Whatever becomes of it there is not the caller's concern.
  async #forward(method, ...args) {
    try {
      if (typeof this.#dataCollector?.[method] === "function") await this.#dataCollector[method](...args);
    } catch {} // a failure of theirs
  }

  async recordAgentRegistration(agentId, data) {
    if (!this.isActive()) return;
    const { capabilities, baselineMetrics, registrationTimestamp } = data ?? {};
    this.#record("recordAgentRegistration", { agentId, capabilities, baselineMetrics, time: timeOf(registrationTimestamp) });
    await this.#forward("recordAgentRegistration", agentId, data);
  }

  async recordAgentStatusChange(agentId, status, context) {
    if (!this.isActive()) return;
    const { previousStatus, reason } = context ?? {};
    this.#record("recordAgentStatusChange", { agentId, status, previousStatus, reason });
    await this.#forward("recordAgentStatusChange", agentId, status, context);
  }

  async recordRoutingDecision(decision) {
    if (!this.isActive()) return;
    this.#record("recordRoutingDecision", { ...decision, time: timeOf(decision?.timestamp) });
    const { taskId, selectedAgent, confidence, rationale, alternativesConsidered } = decision ?? {};
    const alternatives = Array.isArray(alternativesConsidered) ? alternativesConsidered.map(({ agentId, score }) => ({ agentId, score })) : [];
    await this.#forward("recordRoutingDecision", taskId, selectedAgent, alternatives, { confidence, rationale, alternativesConsidered });
  }

  startTaskExecution(taskId, agentId, routingDecision, context) {
    if (!this.isActive()) return "";
    const tail = unique();
    const long = `${taskId}-${Date.now()}-${tail}`;
    const executionId = Buffer.byteLength(long) > ID_BYTES_MAX ? tail : long;
    // A collector of one's own is asked for no starts, and they would count among the newest maxEventsInMemory events.
    const start = { executionId, taskId, agentId, decisionId: routingDecision?.decisionId, taskType: routingDecision?.taskType, context };
    const run = this.#shared ? this.#producer.startTask(start) : null;
    this.#executions.set(executionId, { taskId, agentId, routingDecision, context, run, startedMs: performance.now() });
    if (this.#executions.size > OPEN_MAX) this.#executions.delete(this.#executions.keys().next().value);
    this.#forward("recordTaskStart", taskId, agentId, context);
    return executionId;
  }

  async completeTaskExecution(executionId, outcome) {
    if (!this.isActive()) return;
    const execution = this.#executions.get(executionId);
    if (execution === undefined) return;
    this.#executions.delete(executionId);
    const { taskId, agentId, routingDecision, context, startedMs } = execution;
    // Its end by the clock of the other events; how long it took, by one that nobody sets.
    const endedAtNs = backend.nowNs();
    const tookMs = performance.now() - startedMs;
    const startedAtNs = endedAtNs - BigInt(Math.round(tookMs * 1000)) * 1000n;
    const { decisionId, selectedAgent, routingStrategy, confidence, propensity, policyVersion, timestamp, taskType } = routingDecision ?? {};
    const { tokensConsumed, tokensIn, tokensOut, ...scores } = outcome ?? {};
    this.#record("recordTaskExecution", {
      executionId,
      decisionId,
      taskId,
      agentId,
      taskType,
      startedAtNs,
      routingDecision: { decisionId, selectedAgent, routingStrategy, confidence, propensity, policyVersion, decidedAtNs: nsOf(timestamp) },
      outcome: { ...scores, tokensConsumed: whole(tokensConsumed), tokensIn: whole(tokensIn), tokensOut: whole(tokensOut) },
      time: endedAtNs,
    });
    const metrics = metricsOf(outcome ?? {}, tookMs);
    const about = { executionId, routingDecision, startedAt: new Date(Number(startedAtNs / 1_000_000n)).toISOString(), context };
    await this.#forward("recordTaskCompletion", taskId, agentId, metrics, about);
  }

  async recordEvaluationOutcome(taskId, evaluation) {
    if (this.isActive()) this.#record("recordEvaluationOutcome", { taskId, evaluation });
  }

  async recordConstitutionalValidation(data) {
    if (!this.isActive()) return;
    const { taskId, agentId, validationResult: result } = data ?? {};
    this.#record("recordConstitutionalValidation", { taskId, agentId, validationResult: { ...result, ruleCount: whole(result?.ruleCount) } });
    await this.#forward("recordConstitutionalValidation", data);
  }

  async recordThinkingBudget(taskId, budget) {
    if (!this.isActive()) return;
    this.#record("recordThinkingBudgetAllocation", { ...budget, taskId, allocatedTokens: whole(budget?.allocatedTokens) });
  }
  async recordBudgetUsage(taskId, usage) {
    if (!this.isActive()) return;
    const { tokensUsed, tokensAllocated, utilizationRate } = usage ?? {};
    this.#record("recordThinkingBudgetUsage", { taskId, tokensUsed: whole(tokensUsed), tokensAllocated: whole(tokensAllocated), utilizationRate });
  }
  async recordMinimalityEvaluation(taskId, evaluation) {
    if (!this.isActive()) return;
    this.#record("recordMinimalityEvaluation", { ...evaluation, taskId, linesChanged: whole(evaluation?.linesChanged) });
  }
  async recordJudgment(taskId, judgment) {
    if (this.isActive()) this.#record("recordModelJudgment", { ...judgment, taskId });
  }
  async recordRLTrainingMetrics(metrics) {
    if (!this.isActive()) return;
    this.#record("recordRlTrainingMetrics", { ...metrics, trajectoriesProcessed: whole(metrics?.trajectoriesProcessed) });
  }
  async recordEvent(event) {
    if (!this.isActive()) return;
    const { type, timestamp, data } = event ?? {};
    this.#record("record", { ...data, type, data: data ?? {}, time: timeOf(timestamp) });
  }

  // --- asking

  #ask(method, target, body) {
    return this.#shared ? ask(this.#places.socket, method, target, body) : this.#collector.ask(method, target, body);
  }

  #lines(parameters) {
    return this.#ask("GET", `/v1/events?limit=1000000000${parameters}`).split("\n").filter(Boolean);
  }

  exportTrainingData(since) {
    const sinceMs = since === undefined || since === null || since === "" ? undefined : timeOf(since);
    if ((since && sinceMs === undefined) || !this.#reachable()) return [];
    const from = sinceMs === undefined ? "" : `&since=${encodeURIComponent(new Date(sinceMs).toISOString())}`;
    const events = [];
    for (const line of this.#lines(from)) {
      const { type, timestamp, data } = JSON.parse(line);
      if (type !== "task-start") events.push({ type, timestamp, data });
    }
    return events;
  }

  getStats() {
    const stats = this.#reachable() ? JSON.parse(this.#ask("GET", "/v1/stats")) : {};
    return {
      totalRoutingDecisions: stats.totalRoutingDecisions ?? 0,
      totalTaskExecutions: stats.totalTaskExecutions ?? 0,
      totalEvaluationOutcomes: stats.totalEvaluationOutcomes ?? 0,
      averageCompletionTimeMs: stats.averageCompletionTimeMs ?? 0,
      overallSuccessRate: stats.overallSuccessRate ?? 0,
      collectionStartedAt: stats.collectionStartedAt ?? this.#startedAt,
      lastUpdatedAt: stats.lastUpdatedAt ?? new Date().toISOString(),
    };
  }

  clearData() {
    this.#executions.clear();
    if (this.#reachable()) this.#change("DELETE", "/v1/data", null, "clearData");
  }

  getConfig() {
    return { ...this.#config };
  }

  updateConfig(partial) {
    const { socket, ringDir, collector, freeText, ...wanted } = partial ?? {};
    const next = { ...this.#config, ...wanted };
    const differs = (...keys) => keys.some((key) => next[key] !== this.#config[key]);
    if (this.#shared && differs("anonymizeData"))
      throw new ControlError(`anonymizeData belongs to the collector at ${this.#places.socket}: set anonymization.enabled in its configuration`);
    if (this.#shared || this.#collector !== null) {
      if (differs("anonymizeData")) {
        this.#config = next;
        this.#beginAgain();
      } else if (differs("maxEventsInMemory", "retentionPeriodMs")) {
        this.#change("PATCH", "/v1/config", { retention: changed(retention(this.#config), retention(next)) }, "maxEventsInMemory, retentionPeriodMs");
      }
    }
    this.#config = next;
  }

  // Before anything was collected there is nobody to ask.
  #reachable() {
    return this.#shared || this.#collector !== null;
  }

  #change(method, target, body, what) {
    try {
      this.#ask(method, target, body);
    } catch (error) {
      if (error.status === 403) error.message = `${what}: the collector at ${this.#places.socket} is not this user's to change: ${error.message}`;
      throw error;
    }
  }

  // --- ending, which today's need not: an unreachable tracker, and the end of the process, do the same

  close() {
    this.#collecting = false;
    this.#end();
  }
  [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
    this.close();
  }
}

function changed(from, to) {
  return Object.fromEntries(Object.entries(to).filter(([key, value]) => from[key] !== value));
}

// Of one task, what a data collector is told of its completion.
function metricsOf({ success, qualityScore, efficiencyScore, tokensConsumed, costUsd }, durationMs) {
  return {
    latency: { averageMs: durationMs, minMs: durationMs, maxMs: durationMs, p95Ms: durationMs, p99Ms: durationMs },
    accuracy: { successRate: success ? 1 : 0, qualityScore, evaluationScore: qualityScore },
    cost: { costPerTask: costUsd, efficiencyScore, tokensConsumed },
    reliability: { availabilityPercent: 100, errorRatePercent: success ? 0 : 100 },
  };
}

module.exports = { ControlError, PerformanceTracker };
