// What a record call from Node costs, for `arbiter-bench bindings`: prints one JSON object of nanoseconds per call.
//
//   node binding.mjs PACKAGE BURSTS      PACKAGE: producer/node; in the environment of a running collector; ARBITER_NODE_BACKEND: addon or koffi
//
// Bursts that fit a lane, each behind a flush, so that what is measured is the call and not the growth of the lane. Of all bursts the median;
// as many go before them, for the compiler.
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import path from "node:path";

const [package_, bursts] = process.argv.slice(2);
const { Producer, backend } = createRequire(import.meta.url)(path.resolve(package_));

const perBurst = 200;
const [task, agent, execution] = [randomUUID(), randomUUID(), randomUUID()];
const producer = new Producer({ strict: true });

// A call that is found at the price of a load and is not compiled into its caller: what a call costs in this language.
const empties = Array.from({ length: 8 }, (_, n) => ({ call: new Function("a", "b", "c", "d", "e", "f", `return ${n}`) }));

// A typical event: three ids of 36 bytes, a truth, a share and a count.
const calls = {
  empty: (i) => empties[i & 7].call(execution, task, agent, true, 0.9, i),
  emptyFromObject: (i) =>
    empties[i & 7].call({ executionId: execution, taskId: task, agentId: agent, outcome: { success: true, qualityScore: 0.9, tokensConsumed: i } }),
  record: (i) => producer.taskCompleted(execution, task, agent, true, 0.9, i),
  recordFromObject: (i) =>
    producer.recordTaskExecution({ executionId: execution, taskId: task, agentId: agent, outcome: { success: true, qualityScore: 0.9, tokensConsumed: i } }),
  task: (i) => producer.startTask({ taskId: task, agentId: agent }).complete({ success: true, qualityScore: 0.9, tokensConsumed: i }),
};

function burst(call) {
  const began = process.hrtime.bigint();
  for (let i = 0; i < perBurst; ++i) call(i);
  return Number(process.hrtime.bigint() - began) / perBurst;
}

function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

const figures = {};
for (const [name, call] of Object.entries(calls)) {
  const measured = [];
  for (let i = 0; i < 2 * Number(bursts); ++i) {
    measured.push(burst(call));
    if (!producer.flushSync(5000)) throw new Error("binding.mjs: no collector took what was recorded");
  }
  figures[name] = median(measured.slice(Number(bursts)));
}
const { recorded } = producer.account();
if (recorded !== 2 * bursts * perBurst * 4) throw new Error(`binding.mjs: not all was recorded: ${recorded}: ${producer.problem()}`);
console.log(JSON.stringify({ ...figures, implementation: backend, node: process.version }));
