// The example service, while the collector comes and goes: none of its callers notices, and nothing is lost.
import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { test } from "node:test";

import { Place, packageDir, sleep, source, until } from "./place.mjs";

function ask(socketPath, method, target, value) {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath, method, path: target }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode, value: JSON.parse(text) });
    });
    request.on("error", reject);
    request.end(value === undefined ? "" : JSON.stringify(value));
  });
}

test("a service does not notice that the collector starts late, is stopped, started, killed and restarted, and loses nothing", async () => {
  const place = new Place();
  mkdirSync(path.join(place.root, "node_modules/@arbiter"), { recursive: true });
  symlinkSync(packageDir, path.join(place.root, "node_modules/@arbiter/producer"));
  copyFileSync(path.join(source, "tools/examples/service.mjs"), path.join(place.root, "service.mjs"));
  const socket = path.join(place.memory, "service.sock");
  const service = place.start(process.execPath, [path.join(place.root, "service.mjs"), socket]);
  await once(service.stdout, "data");

  let number = 0, going = true;
  const caller = async () => {
    while (going) {
      const task = { taskId: `task-${++number}`, taskType: "docs", number };
      const { status, value } = await ask(socket, "POST", "/tasks", task);
      assert.equal(status, 200);
      assert.equal(value.success, task.number % 5 !== 0);
    }
  };
  const callers = [caller(), caller(), caller()];
  const aWhile = () => Promise.race([sleep(300), ...callers]);
  await aWhile();
  let collector = await place.collect(); // late
  await aWhile();
  collector.kill("SIGTERM");
  assert.equal(await collector.ended, 0);
  await aWhile();
  collector = await place.collect();
  await aWhile();
  collector.kill("SIGKILL");
  await collector.ended;
  await aWhile();
  collector = await place.collect();
  await aWhile();
  going = false;
  await Promise.all(callers);

  assert.deepEqual((await ask(socket, "GET", "/account")).value.attempted, 3 * number);
  assert.equal((await ask(socket, "GET", "/")).status, 404);
  service.kill("SIGTERM");
  assert.equal(await service.ended, 0);
  assert.equal(service.err, "");
  assert.equal(service.out.split("\n")[1], `attempted ${3 * number} recorded ${3 * number} dropped 0 collected yes`);
  await until(() => place.ask("stats").totalTaskExecutions === number, "all is collected");
  const stats = place.ask("stats");
  assert.equal(stats.totalRoutingDecisions, number);
  assert.equal(stats.retainedEvents, 3 * number);
  assert.equal(stats.overallSuccessRate, (number - Math.floor(number / 5)) / number);
  assert.equal(stats.losses.dropped, 0);
});
