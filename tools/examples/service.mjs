// A service, in Node: agents' tasks come in over HTTP, and what becomes of them is recorded. The collector may start late, be killed or never
// run: nothing here has to know.
//
//   npm install @arbiter/producer && node service.mjs [PORT|SOCKET]      by default port 8080 of loopback
//   curl -X POST http://127.0.0.1:8080/tasks -d '{"taskId": "task-1", "taskType": "fix_failing_test"}'
import http from "node:http";

import { Producer } from "@arbiter/producer";

const producer = new Producer();
const agents = ["agent-7", "agent-9"];

// What a framework would be, as far as this needs one: handlers by method and path, JSON in and out.
const routes = new Map();
const on = (method, path, handler) => routes.set(`${method} ${path}`, handler);

async function body(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text === "" ? {} : JSON.parse(text);
}

const server = http.createServer(async (request, response) => {
  const answer = (status, value) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(`${JSON.stringify(value)}\n`);
  };
  try {
    const handler = routes.get(`${request.method} ${request.url}`);
    if (handler === undefined) return answer(404, { error: "there are POST /tasks and GET /account" });
    answer(200, await handler(await body(request)));
  } catch (error) {
    answer(500, { error: error.message });
  }
});

// Recording does not fail in a way that a service must act upon. What was refused is a mistake in the program, and worth a line.
function check(status) {
  if (status === "refused" || status === "invalid") console.error(`service: ${producer.lastError().message}`);
}

// The work itself: whether it went well, and what it took.
async function work(agentId, number) {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return { success: number % 5 !== 0, qualityScore: 0.9, tokensConsumed: 1500 };
}

on("POST", "/tasks", async ({ taskId, taskType, number = 1 }) => {
  // Which agent, and with which probability.
  const selectedAgent = agents[Math.floor(Math.random() * agents.length)];
  const decision = producer.recordRoutingDecision({
    taskId,
    taskType,
    selectedAgent,
    routingStrategy: "random",
    confidence: 0.5,
    propensity: 1 / agents.length,
  });
  check(decision.status);

  // The agent begins, works, and is done: the run carries the ids and the moment of the start, over every await in between.
  const run = producer.startTask({ taskId, taskType, agentId: selectedAgent, decisionId: decision.id });
  check(run.status);
  const outcome = await work(selectedAgent, number);
  check(run.complete(outcome));
  return { taskId, agentId: selectedAgent, ...outcome };
});

on("GET", "/account", () => producer.account());

// The end of a service: what is under way is finished, and what was recorded is given some time to be collected.
process.once("SIGTERM", () => {
  server.close(async () => {
    const collected = await producer.flush(2000);
    const { attempted, recorded, laneFull, noLane, reentrant } = producer.account();
    console.log(`attempted ${attempted} recorded ${recorded} dropped ${laneFull + noLane + reentrant} collected ${collected ? "yes" : "no"}`);
  });
  server.closeIdleConnections();
});

const place = process.argv[2] ?? "8080";
const listening = () => console.log(`listening on ${place}`);
if (/^\d+$/.test(place)) server.listen(Number(place), "127.0.0.1", listening);
else server.listen(place, listening);
