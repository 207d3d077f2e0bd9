// What npm packs is all that the package needs, to be loaded and for its addon to be built; and npm installs it as the README says.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
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

test("npm install of the packed package builds its addon against the library that pkg-config finds, and without one says what to do", (t) => {
  const place = new Place();
  const npm = spawnSync("npm", ["pack", "--silent", "--offline", packageDir], { cwd: place.root, encoding: "utf8" });
  const headers = process.env.ARBITER_NODE_HEADERS; // of the system: <prefix>/include/node
  if (npm.error || !existsSync(path.join(headers, "common.gypi"))) {
    console.log("not run: tests/node/package.test.mjs, npm install: there is no npm, or no common.gypi beside node_api.h");
    t.skip("no npm or headers");
    return;
  }
  const library = path.dirname(process.env.ARBITER_PRODUCER_LIBRARY);
  writeFileSync(path.join(place.root, "arbiter-producer.pc"), [
    "Name: arbiter-producer", "Description: of the build", "Version: 0", `libdir=${library}`,
    `Cflags: -I${path.join(source, "producer/include")}`, `Libs: -L${library} -larbiter_producer`,
  ].join("\n"));
  const { ARBITER_NODE_ADDON, ARBITER_NODE_BACKEND, ...environment } = place.environment;
  environment.npm_config_cache = path.join(place.root, "cache");
  environment.npm_config_nodedir = path.resolve(headers, "../.."); // else node-gyp would fetch headers
  const installed = (name, variables) => {
    const app = path.join(place.root, name);
    mkdirSync(app);
    writeFileSync(path.join(app, "package.json"), `{"name":"${name}","private":true}`);
    const options = ["--offline", "--omit=optional", "--no-audit", "--no-fund", "--foreground-scripts"]; // koffi would be fetched
    const ran = spawnSync("npm", ["install", ...options, path.join(place.root, npm.stdout.trim())],
      { cwd: app, env: { ...environment, ...variables }, encoding: "utf8" });
    assert.equal(ran.status, 0, ran.stderr);
    return { app, said: ran.stdout + ran.stderr };
  };
  const { app } = installed("with", { PKG_CONFIG_PATH: place.root });
  const use = `const { Producer, backend } = require("@arbiter/producer");
    console.log(backend, new Producer({ strict: true }).recordEvent({ type: "own", data: {} }));`;
  assert.equal(execFileSync(process.execPath, ["-e", use], { cwd: app, env: environment, encoding: "utf8" }), "addon recorded\n");
  const without = installed("without", { PKG_CONFIG_LIBDIR: place.memory, PKG_CONFIG_PATH: "" });
  assert.match(without.said, /the addon was not built, koffi is used instead; for the addon install the library with its/);
});
