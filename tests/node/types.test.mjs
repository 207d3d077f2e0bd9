// What index.d.ts says is what there is, and programs in TypeScript are held to it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { arbiter, here, packageDir } from "./place.mjs";

const modules = process.env.NODE_PATH;
const tsc = path.join(modules, "typescript/bin/tsc");

test("a program that uses all of the types passes tsc --strict, and one that is wrong does not", (t) => {
  if (!existsSync(tsc)) {
    console.log("not run: tests/node/types.test.mjs: typescript is not installed: tools/check does that, where there is npm");
    t.skip("no typescript");
    return;
  }
  const options = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext"];
  const types = ["--typeRoots", path.join(modules, "@types"), "--types", "node"];
  const ran = spawnSync(process.execPath, [tsc, ...options, ...types, path.join(here, "types.mts")], { encoding: "utf8" });
  assert.equal(ran.stdout, "");
  assert.equal(ran.status, 0);
});

test("all that the types promise is exported, and nothing else", () => {
  const { Producer, Run, ...rest } = arbiter();
  assert.deepEqual(Object.keys(rest).sort(), ["ArbiterError", "ControlError", "PerformanceTracker", "abiVersion", "backend", "version"]);
  assert.deepEqual(
    Object.getOwnPropertyNames(Run.prototype).sort(),
    ["agentId", "complete", "constructor", "decisionId", "executionId", "taskId"],
  );
  assert.equal(Object.getOwnPropertyNames(Producer.prototype).length, 28);
  assert.ok(packageDir);
});
