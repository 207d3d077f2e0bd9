// Compiled, never run: each error that is expected is said so, so that a type that lets it pass fails the test.
import { ArbiterError, Producer, type AnyEvent, type Run, type Status, type StatusWithId } from "../../producer/node/index.js";

const producer = new Producer({ ringDir: "/dev/shm/lanes", instance: "blue", waitUpToMs: 0.5, strict: true });
const decision: StatusWithId = producer.recordRoutingDecision({
  taskId: "task-1",
  selectedAgent: "agent-7",
  confidence: 0.85,
  context: { files: 3 },
  alternativesConsidered: [{ agentId: "agent-7", score: 0.9, reason: null }],
  time: new Date(),
});
const run: Run = producer.startTask({ taskId: "task-1", agentId: "agent-7", decisionId: decision.id });
const status: Status = run.complete({ success: true, tokensConsumed: 1500n, tokensIn: 3 });
const batch: AnyEvent[] = [
  { type: "task-execution", taskId: "t", agentId: "a", outcome: { success: status === "recorded" } },
  { type: "of-my-own", data: { any: ["thing"] } },
];
const statuses: Status[] = producer.recordBatch(batch);
const flushed: Promise<boolean> = producer.flush(100);
const { attempted, laneFull } = producer.account();
const sum: number = attempted + laneFull + statuses.length;
if (new Error() instanceof ArbiterError) throw new Error(`${sum} ${await flushed}`);

// @ts-expect-error a required field is missing
producer.recordTaskExecution({ taskId: "t", agentId: "a" });
// @ts-expect-error no such status
producer.recordAgentStatusChange({ agentId: "a", status: "asleep" });
// @ts-expect-error no such field
producer.recordRlTrainingMetrics({ reward: 1 });
// @ts-expect-error a number is not an id
producer.taskCompleted(7, "t", "a", true);

// The tracker.
import { ControlError, PerformanceTracker, type DataCollector, type PerformanceEvent, type PerformanceStats } from "../../producer/node/index.js";

class Listening implements DataCollector {
  startCollection(): void {}
  async recordTaskCompletion(taskId: string, _agentId: string, metrics: Record<string, unknown>): Promise<void> {
    if (taskId === "") throw new ControlError(JSON.stringify(metrics));
  }
}
const tracker = new PerformanceTracker({ maxEventsInMemory: 100, anonymizeData: false, socket: "/run/arbiter/control.sock" }, new Listening());
tracker.startCollection();
const executionId: string = tracker.startTaskExecution("task-1", "agent-7", { taskId: "task-1", selectedAgent: "agent-7", timestamp: "now" }, { any: 1 });
await tracker.completeTaskExecution(executionId, { success: true });
await tracker.recordAgentRegistration("agent-7", { capabilities: ["c++"], baselineMetrics: { accuracy: 1 }, registrationTimestamp: "now" });
await tracker.recordRLTrainingMetrics({ averageReward: 0.5 });
const events: PerformanceEvent[] = tracker.exportTrainingData(new Date());
const stats: PerformanceStats = tracker.getStats();
tracker.updateConfig({ retentionPeriodMs: stats.averageCompletionTimeMs + events.length });
// @ts-expect-error no such setting
tracker.updateConfig({ maxEvents: 1 });
// @ts-expect-error it takes an outcome
await tracker.completeTaskExecution(executionId);
// @ts-expect-error a method of another kind
new PerformanceTracker({}, { recordTaskStart: 7 });
