// What npm runs when the package is installed: builds the addon where it can, and says so where it cannot; koffi serves then.
"use strict";

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

if (fs.existsSync(path.join(__dirname, "arbiter_producer.node"))) process.exit(0); // it came with its addon

// npm brings a node-gyp of its own, and names it to the scripts that it runs.
const gyp = process.env.npm_config_node_gyp;
const command = gyp ? [process.execPath, gyp] : ["node-gyp"];
const built = spawnSync(command[0], [...command.slice(1), "rebuild"], { cwd: __dirname, encoding: "utf8" });
if (built.status !== 0) {
  const said = built.error ? built.error.message : (built.stderr || "").trim().split("\n").slice(-12).join("\n");
  console.error(`@arbiter/producer: the addon was not built, koffi is used instead; for the addon install the library with its\n` +
    `headers (pkg-config arbiter-producer), a C compiler and node-gyp, then run: npm rebuild @arbiter/producer\n${said}`);
}
