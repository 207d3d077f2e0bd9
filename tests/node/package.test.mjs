// What npm packs is all that the package needs, to be loaded and for its addon to be built.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { Place, packageDir, program, source } from "./place.mjs";

test("the packed package loads elsewhere, and its addon compiles from what is in it", (t) => {
  const place = new Place();
  const npm = spawnSync("npm", ["pack", "--silent", "--offline", packageDir], { cwd: place.root, encoding: "utf8" });
  if (npm.error) {
    console.log("not run: tests/node/package.test.mjs: there is no npm");
    t.skip("no npm");
    return;
  }
  execFileSync("tar", ["-xzf", npm.stdout.trim()], { cwd: place.root });
  const packed = path.join(place.root, "package");
  assert.deepEqual(readdirSync(packed).sort(), [
    "addon.c", "addon.h", "addon_record.c", "addon_request.c", "binding.gyp", "build-addon.js", "index.d.ts", "index.js", "lib", "package.json",
  ]);
  assert.deepEqual(readdirSync(path.join(packed, "lib")).sort(), readdirSync(path.join(packageDir, "lib")).sort());

  const headers = process.env.ARBITER_NODE_HEADERS;
  const sources = ["addon.c", "addon_record.c", "addon_request.c"].map((name) => path.join(packed, name));
  const addon = path.join(packed, "arbiter_producer.node"); // where one lies that comes with the package
  const library = path.dirname(process.env.ARBITER_PRODUCER_LIBRARY);
  const flags = ["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", `-I${headers}`, `-I${path.join(source, "producer/include")}`];
  execFileSync("cc", [...flags, ...sources, "-o", addon, `-L${library}`, "-larbiter_producer", `-Wl,-rpath,${library}`]);
  const file = program(place, "node_modules/use.mjs", `import { Producer, backend } from "../package/index.js";
    console.log(backend, new Producer({ strict: true }).recordEvent({ type: "own", data: {} }));`);
  const { ARBITER_NODE_ADDON, ...environment } = place.environment;
  assert.equal(execFileSync(process.execPath, [file], { env: environment, encoding: "utf8" }), "addon recorded\n");
});
