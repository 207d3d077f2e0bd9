// What can be recorded: the kinds of events, their fields, and where each lies in the struct of arbiter/events.h. Both backends go by this
// table, and check it against the library that they load.
"use strict";

// What a field holds, by the struct of arbiter/values.h; lists are handed over as one flat array, `width` elements an item. A completion's
// struct begins as an event's does.
const types = {
  string: { number: 0, size: 16, align: 8 },
  number: { number: 1, size: 16, align: 8 },
  count: { number: 2, size: 16, align: 8 },
  time: { number: 3, size: 16, align: 8 },
  flag: { number: 4, size: 2, align: 1 },
  strings: { number: 5, size: 16, align: 8, width: 1 },
  alternatives: { number: 6, size: 16, align: 8, width: 4 },
  violations: { number: 7, size: 16, align: 8, width: 3 },
  scores: { number: 8, size: 16, align: 8, width: 2 },
};

const outcome =
  "outcome.success:flag outcome.qualityScore:number outcome.efficiencyScore:number outcome.tokensConsumed:count " +
  "outcome.completionTimeMs:number outcome.tokensIn:count outcome.tokensOut:count outcome.costUsd:number outcome.errorType:string";
const ends = "time:time traceId:string spanId:string";

// In the order of the structs.
const described = {
  agentRegistration: [
    1,
    "agent-registration",
    "agentId:string capabilities:strings baselineMetrics.latencyMs:number baselineMetrics.accuracy:number " +
      "baselineMetrics.costPerTask:number baselineMetrics.reliability:number",
  ],
  agentStatusChange: [2, "agent-status-change", "agentId:string status:string previousStatus:string reason:string"],
  routingDecision: [
    3,
    "routing-decision",
    "decisionId:string taskId:string taskType:string selectedAgent:string routingStrategy:string confidence:number propensity:number " +
      "policyVersion:string context:string alternativesConsidered:alternatives rationale:string",
  ],
  taskStart: [
    4,
    "task-start",
    "executionId:string taskId:string agentId:string taskType:string decisionId:string context:string",
  ],
  taskExecution: [
    5,
    "task-execution",
    "executionId:string decisionId:string taskId:string agentId:string taskType:string startedAtNs:time " +
      "routingDecision.decisionId:string routingDecision.selectedAgent:string routingDecision.routingStrategy:string " +
      "routingDecision.confidence:number routingDecision.propensity:number routingDecision.policyVersion:string " +
      `routingDecision.decidedAtNs:time ${outcome}`,
  ],
  constitutionalValidation: [
    6,
    "constitutional-validation",
    "taskId:string agentId:string executionId:string decisionId:string validationResult.valid:flag " +
      "validationResult.violations:violations validationResult.complianceScore:number validationResult.processingTimeMs:number " +
      "validationResult.ruleCount:count",
  ],
  thinkingBudgetAllocation: [
    7,
    "thinking-budget-allocation",
    "taskId:string allocatedTokens:count complexityLevel:string confidence:number",
  ],
  thinkingBudgetUsage: [
    8,
    "thinking-budget-usage",
    "taskId:string tokensUsed:count tokensAllocated:count utilizationRate:number",
  ],
  minimalityEvaluation: [
    9,
    "minimality-evaluation",
    "taskId:string minimalityFactor:number astSimilarity:number scaffoldingPenalty:number linesChanged:count qualityAssessment:string",
  ],
  modelJudgment: [
    10,
    "model-judgment",
    "taskId:string executionId:string decisionId:string overallScore:number overallConfidence:number allCriteriaPass:flag " +
      "criteriaScores:scores evaluationTimeMs:number",
  ],
  rlTrainingMetrics: [
    11,
    "rl-training-metrics",
    "trajectoriesProcessed:count averageReward:number policyLoss:number valueLoss:number klDivergence:number trainingTimeMs:number",
  ],
  evaluationOutcome: [
    12,
    "evaluation-outcome",
    "taskId:string agentId:string executionId:string decisionId:string evaluation.passed:flag evaluation.score:number " +
      "evaluation.rubricScores:scores evaluation.feedback:string",
  ],
  event: [13, "", "type:string data:string"],
  completion: [0, "task-execution", outcome], // arbiter_completion, of a run
};

// Structs inside of others begin at a multiple of eight, and are as long as one.
const groupOf = (path) => path.slice(0, path.lastIndexOf(".") + 1);
const rounded = (offset, align) => Math.ceil(offset / align) * align;

function laidOut([number, type, text]) {
  let offset = 8; // struct_size
  let group = "";
  const fields = `${text} ${ends}`.split(" ").map((word) => {
    const [path, typeName] = word.split(":");
    if (groupOf(path) !== group) offset = rounded(offset, 8);
    group = groupOf(path);
    const field = { path, type: types[typeName], offset: rounded(offset, types[typeName].align) };
    offset = field.offset + field.type.size;
    return field;
  });
  return { number, type, fields, size: rounded(offset, 8) };
}

const kinds = Object.fromEntries(Object.entries(described).map(([name, kind]) => [name, laidOut(kind)]));

// The fields of these paths, in their order: what a recorder is made of.
function plan(kind, paths) {
  return paths.map((path) => kind.fields.find((field) => field.path === path));
}

module.exports = { kinds, plan, types };
