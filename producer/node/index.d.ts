/**
 * Records what AI agents do into the Arbiter performance tracker, through shared memory: no thread, no lock, no wait. A collector need not
 * run: what is recorded before it starts, while it restarts and after it is gone waits in shared memory, as long as there is room.
 *
 *     import { Producer } from "@arbiter/producer";
 *     const producer = new Producer();
 *     const decision = producer.recordRoutingDecision({ taskId: "task-1", selectedAgent: "agent-7", confidence: 0.85 });
 *     const run = producer.startTask({ taskId: "task-1", agentId: "agent-7", decisionId: decision.id });
 *     run.complete({ success: true, qualityScore: 0.9, tokensConsumed: 1500 });
 *
 * The kinds, fields, units and ranges are those of arbiter/events.h. `undefined` and `null` are "not given". Nothing here throws because of
 * an event, unless `strict` is asked for. A lone surrogate in a string is recorded as U+FFFD.
 */

/** What became of a call. `dropped`: no room, or no lane. `refused`: breaks a rule of its kind. `invalid`: a value of a wrong type. */
export type Status = "recorded" | "disabled" | "dropped" | "refused" | "invalid";

/** `id`: the one that the library made, or the caller's own; "" if nothing was recorded. */
export interface StatusWithId {
  status: Status;
  id: string;
}

/** A moment: a Date, milliseconds since 1970 (Date.now()), or nanoseconds since 1970 as a bigint. */
export type Moment = Date | number | bigint;
/** Nanoseconds since 1970: a bigint, or decimal digits, as exports have them. */
export type Nanoseconds = bigint | string;
/** A JSON object, or its text, which is kept as it is. */
export type Json = object | string;

interface Ends {
  /** When it happened, for replay and import. Not given: now. */
  time?: Moment | null;
  /** 32 lower-case hex digits. */
  traceId?: string | null;
  /** 16 lower-case hex digits. */
  spanId?: string | null;
}

export interface AgentRegistration extends Ends {
  agentId: string;
  capabilities?: readonly string[] | null;
  baselineMetrics?: { latencyMs?: number | null; accuracy?: number | null; costPerTask?: number | null; reliability?: number | null } | null;
}

export interface AgentStatusChange extends Ends {
  agentId: string;
  status: "available" | "busy" | "offline" | "maintenance";
  previousStatus?: string | null;
  reason?: string | null;
}

export interface Alternative {
  agentId: string;
  score?: number | null;
  probability?: number | null;
  reason?: string | null;
}

export interface RoutingDecision extends Ends {
  /** Not given: the library makes one. */
  decisionId?: string | null;
  taskId: string;
  taskType?: string | null;
  selectedAgent: string;
  /** "multi-armed-bandit", "capability-match", "load-balance", "random", or a word of your own. */
  routingStrategy?: string | null;
  confidence?: number | null;
  /** Probability with which the policy chose this agent: what off-policy learning needs. */
  propensity?: number | null;
  policyVersion?: string | null;
  context?: Json | null;
  alternativesConsidered?: readonly Alternative[] | null;
  rationale?: string | null;
}

export interface TaskStart extends Ends {
  /** Not given: the library makes one. */
  executionId?: string | null;
  taskId: string;
  agentId: string;
  taskType?: string | null;
  decisionId?: string | null;
  context?: Json | null;
}

export interface Outcome {
  success: boolean;
  qualityScore?: number | null;
  efficiencyScore?: number | null;
  tokensConsumed?: number | bigint | null;
  completionTimeMs?: number | null;
  tokensIn?: number | bigint | null;
  tokensOut?: number | bigint | null;
  costUsd?: number | null;
  errorType?: string | null;
}

export interface TaskExecution extends Ends {
  executionId?: string | null;
  decisionId?: string | null;
  taskId: string;
  agentId: string;
  taskType?: string | null;
  startedAtNs?: Nanoseconds | Date | null;
  /** Not given: the collector joins it. */
  routingDecision?: {
    decisionId?: string | null;
    selectedAgent?: string | null;
    routingStrategy?: string | null;
    confidence?: number | null;
    propensity?: number | null;
    policyVersion?: string | null;
    decidedAtNs?: Nanoseconds | Date | null;
  } | null;
  outcome: Outcome;
}

export interface Violation {
  severity: "low" | "medium" | "high" | "critical";
  message?: string | null;
  rule?: string | null;
}

export interface ConstitutionalValidation extends Ends {
  taskId: string;
  agentId: string;
  executionId?: string | null;
  decisionId?: string | null;
  validationResult?: {
    valid?: boolean | null;
    violations?: readonly Violation[] | null;
    complianceScore?: number | null;
    processingTimeMs?: number | null;
    ruleCount?: number | bigint | null;
  } | null;
}

export interface ThinkingBudgetAllocation extends Ends {
  taskId: string;
  allocatedTokens?: number | bigint | null;
  complexityLevel?: string | null;
  confidence?: number | null;
}

export interface ThinkingBudgetUsage extends Ends {
  taskId: string;
  tokensUsed?: number | bigint | null;
  tokensAllocated?: number | bigint | null;
  utilizationRate?: number | null;
}

export interface MinimalityEvaluation extends Ends {
  taskId: string;
  minimalityFactor?: number | null;
  astSimilarity?: number | null;
  scaffoldingPenalty?: number | null;
  linesChanged?: number | bigint | null;
  qualityAssessment?: string | null;
}

export interface ModelJudgment extends Ends {
  taskId: string;
  executionId?: string | null;
  decisionId?: string | null;
  overallScore?: number | null;
  overallConfidence?: number | null;
  allCriteriaPass?: boolean | null;
  criteriaScores?: Readonly<Record<string, number>> | null;
  evaluationTimeMs?: number | null;
}

export interface RlTrainingMetrics extends Ends {
  trajectoriesProcessed?: number | bigint | null;
  averageReward?: number | null;
  policyLoss?: number | null;
  valueLoss?: number | null;
  klDivergence?: number | null;
  trainingTimeMs?: number | null;
}

export interface EvaluationOutcome extends Ends {
  taskId: string;
  agentId?: string | null;
  executionId?: string | null;
  decisionId?: string | null;
  evaluation: {
    passed: boolean;
    score?: number | null;
    rubricScores?: Readonly<Record<string, number>> | null;
    feedback?: string | null;
  };
}

/** Anything else: a word of your own, none of the types above. */
export interface GenericEvent extends Ends {
  type: string;
  data: Json;
}

/** One of a batch, by its type. */
export type AnyEvent =
  | ({ type: "agent-registration" } & AgentRegistration)
  | ({ type: "agent-status-change" } & AgentStatusChange)
  | ({ type: "routing-decision" } & RoutingDecision)
  | ({ type: "task-start" } & TaskStart)
  | ({ type: "task-execution" } & TaskExecution)
  | ({ type: "constitutional-validation" } & ConstitutionalValidation)
  | ({ type: "thinking-budget-allocation" } & ThinkingBudgetAllocation)
  | ({ type: "thinking-budget-usage" } & ThinkingBudgetUsage)
  | ({ type: "minimality-evaluation" } & MinimalityEvaluation)
  | ({ type: "model-judgment" } & ModelJudgment)
  | ({ type: "rl-training-metrics" } & RlTrainingMetrics)
  | ({ type: "evaluation-outcome" } & EvaluationOutcome)
  | GenericEvent;

export interface ProducerOptions {
  /** The directory of lanes, made if it is missing. Not given: ARBITER_RING_DIR, /run/arbiter/lanes, the private place, in this order. */
  ringDir?: string;
  /** Keeps several collectors of one machine apart. */
  instance?: string;
  /** How long a call may wait for room before it drops the event, milliseconds. 0 (the default): not at all. */
  waitUpToMs?: number;
  /** Whether a call that is refused, invalid or dropped throws an ArbiterError. */
  strict?: boolean;
}

/** Of all that this process has tried to record into the producer's directory. */
export interface Account {
  attempted: number;
  recorded: number;
  laneFull: number;
  noLane: number;
  reentrant: number;
  refused: number;
}

/** Under `strict`; also what the collector's refusals become. */
export class ArbiterError extends Error {
  readonly status: Status;
  /** As exports name it: "outcome.qualityScore". */
  readonly field: string;
  /** "is out of its range". */
  readonly rule: string;
}

/** A task that was started. It outlives its producer; another thread's is another one. */
export class Run {
  private constructor();
  /** What became of the start. */
  readonly status: Status;
  readonly executionId: string;
  readonly taskId: string;
  readonly agentId: string;
  readonly decisionId: string;
  /** Records the completion, once: with the ids, the decision and the moment of the start. */
  complete(outcome: Outcome, more?: Ends): Status;
}

/** Any number may be used side by side, in any threads; each thread (worker) writes a lane of its own. */
export class Producer {
  /** Throws only if the options cannot be: a ring directory with a NUL, no memory. */
  constructor(options?: ProducerOptions);

  recordAgentRegistration(event: AgentRegistration): Status;
  recordAgentStatusChange(event: AgentStatusChange): Status;
  recordRoutingDecision(event: RoutingDecision): StatusWithId;
  recordTaskStart(event: TaskStart): StatusWithId;
  recordTaskExecution(event: TaskExecution): Status;
  recordConstitutionalValidation(event: ConstitutionalValidation): Status;
  recordThinkingBudgetAllocation(event: ThinkingBudgetAllocation): Status;
  recordThinkingBudgetUsage(event: ThinkingBudgetUsage): Status;
  recordMinimalityEvaluation(event: MinimalityEvaluation): Status;
  recordModelJudgment(event: ModelJudgment): Status;
  recordRlTrainingMetrics(event: RlTrainingMetrics): Status;
  recordEvaluationOutcome(event: EvaluationOutcome): Status;
  recordEvent(event: GenericEvent): Status;

  /** Any kind, by its type. */
  record(event: AnyEvent): Status;
  /** Each by itself, in their order: one that is refused holds up no other. */
  recordBatch(events: readonly AnyEvent[]): Status[];

  /** The commonest three without an object: less than half the cost. */
  taskCompleted(
    executionId: string | null | undefined, taskId: string, agentId: string, success: boolean, qualityScore?: number | null,
    tokensConsumed?: number | bigint | null, errorType?: string | null,
  ): Status;
  taskStarted(
    taskId: string, agentId: string, executionId?: string | null, decisionId?: string | null, taskType?: string | null,
  ): StatusWithId;
  decided(
    taskId: string, selectedAgent: string, confidence?: number | null, propensity?: number | null, routingStrategy?: string | null,
    decisionId?: string | null,
  ): StatusWithId;

  /** Records a start; its run records the completion. */
  startTask(start: TaskStart): Run;

  /** Claims this thread's lane ahead of its first record. */
  attachThread(): boolean;
  /**
   * Gives this thread's lane back, and its memory with it, before the thread ends: for a thread that records no more, or seldom. What was
   * recorded stays to be collected; the next record claims a lane again. `flush` goes on waiting for what is not collected yet.
   */
  detachThread(): void;
  /** Whether the collector has journalled, within the time (milliseconds, 5,000), all that this process recorded before the call. */
  flush(timeoutMs?: number): Promise<boolean>;
  /** The same, and the thread waits. */
  flushSync(timeoutMs?: number): boolean;
  account(): Account;
  /** Why this process last got no lane; "" if it has one. */
  problem(): string;
  /** About this thread's last call that answered anything but "recorded". */
  lastError(): { message: string; field: string; rule: string };
  /** What is recorded afterwards is invalid. Runs may still be completed. The last one of a place in a thread does detachThread(). */
  close(): void;
}

/** How the library is reached: by the addon, or by koffi. */
export const backend: "addon" | "koffi";
/** Of the library that is loaded. */
export const version: string;
export const abiVersion: number;

/** What a collector answers that cannot do, or may not: its words. `status`: of HTTP (403: not this user's to change); not there: no answer. */
export class ControlError extends Error {
  readonly status?: number;
}

export interface PerformanceTrackerConfig {
  /** Only the newest so many events are kept: 10,000. */
  maxEventsInMemory: number;
  /** Whether startCollection() starts anything: true. */
  enabled: boolean;
  /** Older events are not kept, by their own time: 30 days, in milliseconds. */
  retentionPeriodMs: number;
  /** 100. Kept for programs that set it: nothing here waits for a batch. */
  batchSize: number;
  /** Whether ids of agents, tasks and executions become keyed hashes, the same for the same id, and free text is dropped: true. */
  anonymizeData: boolean;
}

/** Where it records, beside what it always took. None of these: into a collector of its own (see PerformanceTracker). */
export interface PerformanceTrackerPlaces {
  /** The control socket of a shared collector; else ARBITER_SOCKET. */
  socket?: string;
  /** The directory of lanes of a shared collector; else ARBITER_RING_DIR, or `lanes` beside the socket. */
  ringDir?: string;
  /** The program arbiter-collector; else ARBITER_COLLECTOR, beside the package, in PATH. */
  collector?: string;
  /** What becomes of rationale, reason, feedback and message while anonymising: "drop". Of a collector of its own. */
  freeText?: "keep" | "hash" | "drop";
}

export interface PerformanceEvent {
  type: string;
  /** ISO 8601. */
  timestamp: string;
  data: Record<string, unknown>;
}

export interface PerformanceStats {
  totalRoutingDecisions: number;
  totalTaskExecutions: number;
  totalEvaluationOutcomes: number;
  averageCompletionTimeMs: number;
  overallSuccessRate: number;
  collectionStartedAt: string;
  lastUpdatedAt: string;
}

/** A decision as the tracker takes it; `timestamp`: ISO 8601, its time. */
export type TrackedDecision = Omit<RoutingDecision, "time"> & { timestamp?: string };

/** Is told of each event besides, of what it has a method for. What it throws or rejects with never reaches the caller. */
export interface DataCollector {
  startCollection?(): unknown;
  stopCollection?(): unknown;
  recordTaskStart?(taskId: string, agentId: string, context?: Record<string, unknown>): unknown;
  recordTaskCompletion?(
    taskId: string,
    agentId: string,
    metrics: Record<string, unknown>,
    about: { executionId: string; routingDecision: TrackedDecision; startedAt: string; context?: Record<string, unknown> },
  ): unknown;
  recordAgentRegistration?(agentId: string, data: AgentData): unknown;
  recordAgentStatusChange?(agentId: string, status: AgentStatusChange["status"], context: StatusContext): unknown;
  recordRoutingDecision?(
    taskId: string,
    selectedAgent: string,
    alternatives: { agentId: string; score?: number | null }[],
    why: Pick<RoutingDecision, "confidence" | "rationale" | "alternativesConsidered">,
  ): unknown;
  recordConstitutionalValidation?(data: ConstitutionalValidation): unknown;
}

export interface AgentData {
  capabilities?: string[];
  baselineMetrics?: AgentRegistration["baselineMetrics"];
  registrationTimestamp?: string;
}
export interface StatusContext {
  previousStatus?: string;
  reason?: string;
}

/**
 * The tracker that ran inside of the process, over a collector: recording takes some microseconds, and is dropped, counted, rather than waited
 * with or thrown about. What the collector refuses (events.h has the ranges) is warned of once.
 *
 * By itself it starts a collector of its own: a child process on a private directory in memory, which ends, and removes it, with close(),
 * with the last reference to the tracker, or however this process ends. Given `socket`, `ringDir` or ARBITER_SOCKET it records into that
 * shared collector, asks it about everything that it holds, and what this user may not change there throws a ControlError that says so.
 */
export class PerformanceTracker {
  constructor(config?: Partial<PerformanceTrackerConfig> & PerformanceTrackerPlaces, dataCollector?: DataCollector);

  startCollection(): void;
  /** What was collected stays. */
  stopCollection(): void;
  isActive(): boolean;

  recordAgentRegistration(agentId: string, data: AgentData): Promise<void>;
  recordAgentStatusChange(agentId: string, status: AgentStatusChange["status"], context?: StatusContext): Promise<void>;
  recordRoutingDecision(decision: TrackedDecision): Promise<void>;
  /** The id of the execution; "" when not collecting. */
  startTaskExecution(taskId: string, agentId: string, routingDecision: TrackedDecision, context?: Record<string, unknown>): string;
  /** Of an execution that this tracker did not start, or that is completed: nothing. */
  completeTaskExecution(executionId: string, outcome: Outcome): Promise<void>;
  recordEvaluationOutcome(taskId: string, evaluation: EvaluationOutcome["evaluation"]): Promise<void>;
  recordConstitutionalValidation(data: Pick<ConstitutionalValidation, "taskId" | "agentId" | "validationResult">): Promise<void>;
  recordThinkingBudget(taskId: string, budget: Omit<ThinkingBudgetAllocation, "taskId">): Promise<void>;
  recordBudgetUsage(taskId: string, usage: Omit<ThinkingBudgetUsage, "taskId">): Promise<void>;
  recordMinimalityEvaluation(taskId: string, evaluation: Omit<MinimalityEvaluation, "taskId">): Promise<void>;
  recordJudgment(taskId: string, judgment: Omit<ModelJudgment, "taskId">): Promise<void>;
  recordRLTrainingMetrics(metrics: RlTrainingMetrics): Promise<void>;
  recordEvent(event: PerformanceEvent): Promise<void>;

  /**
   * What is kept, in order of time, with all that was recorded before the call: a copy. `since`: only what happened then or later. Starts of
   * tasks are not in it. This and the next three wait for the collector, a millisecond or two; the very first until it has started.
   */
  exportTrainingData(since?: string | Date | number): PerformanceEvent[];
  getStats(): PerformanceStats;
  clearData(): void;
  /** At once. `anonymizeData` is for what is recorded from then on; what is there stays as it is where it was anonymised. */
  updateConfig(config: Partial<PerformanceTrackerConfig>): void;
  getConfig(): PerformanceTrackerConfig;

  /** Ends its own collector at once. */
  close(): void;
}
