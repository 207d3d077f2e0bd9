// How the library is reached: by the addon where it was built, else by koffi. ARBITER_NODE_BACKEND=addon or koffi insists on one.
"use strict";

const path = require("node:path");

const { kinds } = require("./kinds.js");

const wanted = process.env.ARBITER_NODE_BACKEND;

// Where the addon is: named, built in place by npm, or installed beside.
function addonFiles() {
  if (process.env.ARBITER_NODE_ADDON) return [process.env.ARBITER_NODE_ADDON];
  const package_ = path.dirname(__dirname);
  return ["build/Release/arbiter_producer.node", "arbiter_producer.node"].map((file) => path.join(package_, file));
}

function flat(fields) {
  return fields.flatMap(({ offset, type, path }) => [offset, type.number, path]);
}

function byAddon() {
  const problems = [];
  for (const file of addonFiles()) {
    try {
      const addon = require(file);
      return { ...addon, name: "addon", recorder: (call, kind, size, fields) => addon.recorder(call, kind, size, flat(fields)) };
    } catch (error) {
      problems.push(error.message.split("\n")[0]);
    }
  }
  throw new Error(problems.join("; "));
}

function load() {
  const problems = [];
  for (const [name, make] of [["addon", byAddon], ["koffi", () => require("./koffi.js")]]) {
    if (wanted && wanted !== name) continue;
    try {
      const made = make();
      for (const kind of Object.values(kinds))
        if (made.sizes && made.sizes[kind.number] !== kind.size) throw new Error(`built for another version of the library: build it again`);
      return made;
    } catch (error) {
      problems.push(`${name}: ${error.message}`);
    }
  }
  throw new Error(
    `@arbiter/producer: the library cannot be reached (${problems.join("; ")}): install libarbiter_producer, or name it in ARBITER_PRODUCER_LIBRARY`,
  );
}

module.exports = { backend: load() };
