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
