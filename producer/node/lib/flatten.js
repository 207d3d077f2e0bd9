// From the objects that people write to the arguments that recorders take: the fields of each kind in the order of kinds.js. Written out,
// so that each property is found where the engine saw it the last time.
"use strict";

const none = Object.freeze({});

// Anything that is not JSON becomes a value that no field takes: the call is refused, and names the field.
function json(value) {
  if (value === undefined || value === null || typeof value === "string") return value;
  try {
    return JSON.stringify(value);
  } catch {
    return false;
  }
}

// Date, milliseconds since 1970, or nanoseconds as a bigint.
function moment(value) {
  return value instanceof Date ? value.getTime() : value;
}

// Nanoseconds: a bigint, or as exports have them, in decimal digits.
function nanoseconds(value) {
  if (typeof value !== "string") return moment(value);
  return /^-?\d{1,19}$/.test(value) ? BigInt(value) : false;
}

function list(items, members) {
  if (!Array.isArray(items)) return items;
  const flat = [];
  for (const item of items) flat.push(...members(item ?? none));
  return flat;
}
const alternative = (a) => [a.agentId, a.score, a.probability, a.reason];
const violation = (v) => [v.severity, v.message, v.rule];
const scores = (map) => (map === null || typeof map !== "object" ? map : Object.entries(map).flat());

const flatten = {
  agentRegistration(call, to, e) {
    const b = e.baselineMetrics ?? none;
    return call(
      to, e.agentId, e.capabilities, b.latencyMs, b.accuracy, b.costPerTask, b.reliability, moment(e.time), e.traceId, e.spanId,
    );
  },
  agentStatusChange(call, to, e) {
    return call(to, e.agentId, e.status, e.previousStatus, e.reason, moment(e.time), e.traceId, e.spanId);
  },
  routingDecision(call, to, e) {
    return call(
      to, e.decisionId, e.taskId, e.taskType, e.selectedAgent, e.routingStrategy, e.confidence, e.propensity, e.policyVersion,
      json(e.context), list(e.alternativesConsidered, alternative), e.rationale, moment(e.time), e.traceId, e.spanId,
    );
  },
  taskStart(call, to, e) {
    return call(
      to, e.executionId, e.taskId, e.agentId, e.taskType, e.decisionId, json(e.context), moment(e.time), e.traceId, e.spanId,
    );
  },
  taskExecution(call, to, e) {
    const d = e.routingDecision ?? none;
    const o = e.outcome ?? none;
    return call(
      to, e.executionId, e.decisionId, e.taskId, e.agentId, e.taskType, nanoseconds(e.startedAtNs), d.decisionId, d.selectedAgent,
      d.routingStrategy, d.confidence, d.propensity, d.policyVersion, nanoseconds(d.decidedAtNs), o.success, o.qualityScore,
      o.efficiencyScore, o.tokensConsumed, o.completionTimeMs, o.tokensIn, o.tokensOut, o.costUsd, o.errorType, moment(e.time),
      e.traceId, e.spanId,
    );
  },
  constitutionalValidation(call, to, e) {
    const r = e.validationResult ?? none;
    return call(
      to, e.taskId, e.agentId, e.executionId, e.decisionId, r.valid, list(r.violations, violation), r.complianceScore,
      r.processingTimeMs, r.ruleCount, moment(e.time), e.traceId, e.spanId,
    );
  },
  thinkingBudgetAllocation(call, to, e) {
    return call(to, e.taskId, e.allocatedTokens, e.complexityLevel, e.confidence, moment(e.time), e.traceId, e.spanId);
  },
  thinkingBudgetUsage(call, to, e) {
    return call(to, e.taskId, e.tokensUsed, e.tokensAllocated, e.utilizationRate, moment(e.time), e.traceId, e.spanId);
  },
  minimalityEvaluation(call, to, e) {
    return call(
      to, e.taskId, e.minimalityFactor, e.astSimilarity, e.scaffoldingPenalty, e.linesChanged, e.qualityAssessment, moment(e.time),
      e.traceId, e.spanId,
    );
  },
  modelJudgment(call, to, e) {
    return call(
      to, e.taskId, e.executionId, e.decisionId, e.overallScore, e.overallConfidence, e.allCriteriaPass, scores(e.criteriaScores),
      e.evaluationTimeMs, moment(e.time), e.traceId, e.spanId,
    );
  },
  rlTrainingMetrics(call, to, e) {
    return call(
      to, e.trajectoriesProcessed, e.averageReward, e.policyLoss, e.valueLoss, e.klDivergence, e.trainingTimeMs, moment(e.time),
      e.traceId, e.spanId,
    );
  },
  evaluationOutcome(call, to, e) {
    const r = e.evaluation ?? none;
    return call(
      to, e.taskId, e.agentId, e.executionId, e.decisionId, r.passed, r.score, scores(r.rubricScores), r.feedback, moment(e.time),
      e.traceId, e.spanId,
    );
  },
  event(call, to, e) {
    return call(to, e.type, json(e.data), moment(e.time), e.traceId, e.spanId);
  },
  // Of a run: `to` is the run, `o` its outcome, `e` what else there is.
  completion(call, to, o, e) {
    return call(
      to, o.success, o.qualityScore, o.efficiencyScore, o.tokensConsumed, o.completionTimeMs, o.tokensIn, o.tokensOut, o.costUsd,
      o.errorType, moment(e.time), e.traceId, e.spanId,
    );
  },
};

module.exports = { flatten, none };
