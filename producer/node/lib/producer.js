// The functions of arbiter/producer.h as methods of a class. index.d.ts says what each does.
"use strict";

const { backend } = require("./backend.js");
const { flatten, none } = require("./flatten.js");
const { kinds, plan } = require("./kinds.js");

const statuses = ["recorded", "disabled", "dropped", "refused", "invalid"];
const recorded = "recorded";
const RECORD = 0, RECORD_WITH_ID = 1, START = 2, COMPLETE = 3;

function recorder(call, kind, fields = kind.fields) {
  return backend.recorder(call, kind.number, kind.size, fields);
}

const record = Object.fromEntries(
  Object.entries(kinds).map(([name, kind]) => {
    const withId = name === "routingDecision" || name === "taskStart";
    return [name, recorder(name === "completion" ? COMPLETE : withId ? RECORD_WITH_ID : RECORD, kind)];
  }),
);
const startRun = recorder(START, kinds.taskStart);

// The commonest calls, without an object.
const completed = recorder(
  RECORD,
  kinds.taskExecution,
  plan(kinds.taskExecution, [
    "executionId", "taskId", "agentId", "outcome.success", "outcome.qualityScore", "outcome.tokensConsumed", "outcome.errorType",
  ]),
);
const started = recorder(
  RECORD_WITH_ID,
  kinds.taskStart,
  plan(kinds.taskStart, ["taskId", "agentId", "executionId", "decisionId", "taskType"]),
);
const decided = recorder(
  RECORD_WITH_ID,
  kinds.routingDecision,
  plan(kinds.routingDecision, ["taskId", "selectedAgent", "confidence", "propensity", "routingStrategy", "decisionId"]),
);

const kindOfType = new Map(Object.entries(kinds).filter(([, kind]) => kind.number > 0).map(([name, kind]) => [kind.type, name]));

class ArbiterError extends Error {
  constructor(status, [message, field, rule]) {
    super(message);
    this.name = "ArbiterError";
    this.status = status;
    this.field = field;
    this.rule = rule;
  }
}

// Of each place, how many producers of this thread are open: the last one that is closed gives the thread's lane back.
const open = new Map();

class Producer {
  #to;
  #strict;
  #place;

  constructor({ ringDir, instance, waitUpToMs = 0, strict = false } = {}) {
    this.#to = backend.create(ringDir ?? null, instance ?? null, waitUpToMs);
    this.#strict = strict;
    this.#place = JSON.stringify([ringDir, instance]);
    open.set(this.#place, (open.get(this.#place) ?? 0) + 1);
  }

  #told(number) {
    const status = statuses[number];
    if (this.#strict && number > 1) throw new ArbiterError(status, backend.lastError());
    return status;
  }
  #toldWithId(made, own) {
    return typeof made === "string" ? { status: recorded, id: made } : { status: this.#told(made), id: made === 0 ? own : "" };
  }

  recordAgentRegistration(event) {
    const n = flatten.agentRegistration(record.agentRegistration, this.#to, event ?? none);
    return n === 0 ? recorded : this.#told(n);
  }
  recordAgentStatusChange(event) {
    const n = flatten.agentStatusChange(record.agentStatusChange, this.#to, event ?? none);
    return n === 0 ? recorded : this.#told(n);
  }
  recordRoutingDecision(event) {
    return this.#toldWithId(flatten.routingDecision(record.routingDecision, this.#to, event ?? none), event?.decisionId);
  }
  recordTaskStart(event) {
    return this.#toldWithId(flatten.taskStart(record.taskStart, this.#to, event ?? none), event?.executionId);
  }
  recordTaskExecution(event) {
    const n = flatten.taskExecution(record.taskExecution, this.#to, event ?? none);
    return n === 0 ? recorded : this.#told(n);
  }
  recordConstitutionalValidation(event) {
    const n = flatten.constitutionalValidation(record.constitutionalValidation, this.#to, event ?? none);
    return n === 0 ? recorded : this.#told(n);
  }
  recordThinkingBudgetAllocation(event) {
    const n = flatten.thinkingBudgetAllocation(record.thinkingBudgetAllocation, this.#to, event ?? none);
    return n === 0 ? recorded : this.#told(n);
  }
  recordThinkingBudgetUsage(event) {
    const n = flatten.thinkingBudgetUsage(record.thinkingBudgetUsage, this.#to, event ?? none);
    return n === 0 ? recorded : this.#told(n);
  }
  recordMinimalityEvaluation(event) {
    const n = flatten.minimalityEvaluation(record.minimalityEvaluation, this.#to, event ?? none);
    return n === 0 ? recorded : this.#told(n);
  }
  recordModelJudgment(event) {
    const n = flatten.modelJudgment(record.modelJudgment, this.#to, event ?? none);
    return n === 0 ? recorded : this.#told(n);
  }
  recordRlTrainingMetrics(event) {
    const n = flatten.rlTrainingMetrics(record.rlTrainingMetrics, this.#to, event ?? none);
    return n === 0 ? recorded : this.#told(n);
  }
  recordEvaluationOutcome(event) {
    const n = flatten.evaluationOutcome(record.evaluationOutcome, this.#to, event ?? none);
    return n === 0 ? recorded : this.#told(n);
  }
  recordEvent(event) {
    const n = flatten.event(record.event, this.#to, event ?? none);
    return n === 0 ? recorded : this.#told(n);
  }

  // By the type of the event; what is none of the library's own is a generic event.
  record(event) {
    const name = kindOfType.get(event?.type) ?? "event";
    const n = flatten[name](record[name], this.#to, event ?? none);
    return typeof n === "string" || n === 0 ? recorded : this.#told(n);
  }
  // One call a record: crossing into the library costs less than an array's elements do.
  recordBatch(events) {
    return events.map((event) => this.record(event));
  }

  taskCompleted(executionId, taskId, agentId, success, qualityScore, tokensConsumed, errorType) {
    const n = completed(this.#to, executionId, taskId, agentId, success, qualityScore, tokensConsumed, errorType);
    return n === 0 ? recorded : this.#told(n);
  }
  taskStarted(taskId, agentId, executionId, decisionId, taskType) {
    return this.#toldWithId(started(this.#to, taskId, agentId, executionId, decisionId, taskType), executionId);
  }
  decided(taskId, selectedAgent, confidence, propensity, routingStrategy, decisionId) {
    return this.#toldWithId(
      decided(this.#to, taskId, selectedAgent, confidence, propensity, routingStrategy, decisionId),
      decisionId,
    );
  }

  startTask(start) {
    const bytes = new Uint8Array(backend.runBytes);
    const n = flatten.taskStart((to, ...fields) => startRun(to, bytes, ...fields), this.#to, start ?? none);
    return new Run(bytes, n === 0 ? recorded : this.#told(n), this.#strict);
  }

  attachThread() {
    return this.#to !== null && backend.attachThread(this.#to);
  }
  detachThread() {
    if (this.#to !== null) backend.detachThread(this.#to);
  }
  flush(timeoutMs = 5000) {
    return this.#to === null ? Promise.resolve(false) : backend.flush(this.#to, timeoutMs);
  }
  flushSync(timeoutMs = 5000) {
    return this.#to !== null && backend.flushNow(this.#to, timeoutMs);
  }
  account() {
    const [attempted, recorded, laneFull, noLane, reentrant, refused] = this.#to === null ? [0, 0, 0, 0, 0, 0] : backend.account(this.#to);
    return { attempted, recorded, laneFull, noLane, reentrant, refused };
  }
  problem() {
    return this.#to === null ? "" : backend.problem(this.#to);
  }
  lastError() {
    const [message, field, rule] = backend.lastError();
    return { message, field, rule };
  }
  close() {
    if (this.#to === null) return;
    const others = open.get(this.#place) - 1;
    if (others > 0) open.set(this.#place, others);
    else open.delete(this.#place);
    if (others === 0) this.detachThread();
    this.#to = null; // the library's part goes when no flush needs it any more
  }
  [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
    this.close();
  }
}

// A task that was started; it outlives its producer.
class Run {
  #bytes;
  #strict;
  #ids;

  constructor(bytes, status, strict) {
    this.#bytes = bytes;
    this.#strict = strict;
    this.status = status;
  }

  #id(at) {
    this.#ids ??= backend.runIds(this.#bytes);
    return this.#ids[at];
  }
  get executionId() {
    return this.#id(0);
  }
  get taskId() {
    return this.#id(1);
  }
  get agentId() {
    return this.#id(2);
  }
  get decisionId() {
    return this.#id(3);
  }

  complete(outcome, more) {
    const n = flatten.completion(record.completion, this.#bytes, outcome ?? none, more ?? none);
    if (this.#strict && n > 1) throw new ArbiterError(statuses[n], backend.lastError());
    return statuses[n];
  }
}

module.exports = { ArbiterError, Producer, Run };
