// A collector of one's own: a child process on a directory in memory, which it removes when it ends, and it ends when its standard input is
// closed: by end(), or by the kernel, however this process ends.
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const { ControlError, ask } = require("./control.js");

const STARTS_MAX = 5; // after which it is left alone: something is wrong with it
const READY_WITHIN_MS = 20_000;

const nap = new Int32Array(new SharedArrayBuffer(4));
const sleep = (ms) => Atomics.wait(nap, 0, 0, ms);

// In memory where there is some: there is nothing to keep.
function base() {
  for (const directory of [process.env.XDG_RUNTIME_DIR, "/dev/shm"]) {
    try {
      if (directory) fs.accessSync(directory, fs.constants.W_OK | fs.constants.X_OK);
      if (directory) return directory;
    } catch {} // the next one
  }
  return os.tmpdir();
}

function program(named) {
  const name = "arbiter-collector";
  const wanted = named ?? process.env.ARBITER_COLLECTOR;
  const places = wanted
    ? [wanted]
    : [path.join(path.dirname(__dirname), name), ...(process.env.PATH ?? "").split(":").filter(Boolean).map((place) => path.join(place, name))];
  for (const file of places) {
    try {
      fs.accessSync(file, fs.constants.X_OK);
      return file;
    } catch {} // the next one
  }
  throw new Error(
    wanted
      ? `${wanted}: cannot be run: name the arbiter-collector in the option collector, or in ARBITER_COLLECTOR`
      : "no arbiter-collector beside the package or in PATH: install it, or name it in the option collector, or in ARBITER_COLLECTOR",
  );
}

// A collector that was killed leaves its directory: this process takes it away when it ends itself.
const living = new Set();
process.on("exit", () => living.forEach((embedded) => embedded.leave()));

class Embedded {
  #file;
  #child = null;
  #starts = 0;
  #ended = false;

  constructor(collector, config) {
    this.#file = program(collector);
    this.directory = fs.mkdtempSync(path.join(base(), "arbiter-embedded-"));
    living.add(this);
    fs.writeFileSync(path.join(this.directory, "collector.json"), JSON.stringify(config));
    this.start();
  }

  get lanes() {
    return path.join(this.directory, "lanes");
  }
  get socket() {
    return path.join(this.directory, "control.sock");
  }
  get pid() {
    return this.#child?.pid;
  }

  start() {
    ++this.#starts;
    const log = fs.openSync(path.join(this.directory, "log"), "a", 0o600);
    // In a session of its own: a Ctrl-C is for this process, which may have something left to ask.
    const child = spawn(this.#file, ["--embedded", this.directory], { stdio: ["pipe", "ignore", log], detached: true });
    fs.closeSync(log);
    this.#child = child;
    child.on("error", () => {}); // asking says so
    child.stdin.on("error", () => {});
    child.on("exit", () => {
      if (this.#child !== child) return;
      if (this.#ended || this.#starts >= STARTS_MAX) this.#remove();
      else this.start();
    });
    child.unref();
    child.stdin.unref();
  }

  // Its parent has not reaped it where this is asked: the event loop stands still.
  #running() {
    try {
      const stat = fs.readFileSync(`/proc/${this.#child.pid}/stat`, "latin1");
      return !"ZX".includes(stat[stat.lastIndexOf(")") + 2]);
    } catch {
      return false;
    }
  }

  #said() {
    try {
      return fs.readFileSync(path.join(this.directory, "log"), "utf8").trim().split("\n").at(-1);
    } catch {
      return "";
    }
  }

  ask(method, target, body) {
    const end = Date.now() + READY_WITHIN_MS;
    for (;;) {
      try {
        return ask(this.socket, method, target, body);
      } catch (error) {
        const away = error instanceof ControlError && ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"].includes(error.code);
        if (!away || this.#ended || Date.now() > end) throw error;
        if (!this.#running()) {
          if (this.#starts >= STARTS_MAX) throw new ControlError(`the embedded collector does not stay up: ${this.#said()}`);
          this.start();
        }
        sleep(1);
      }
    }
  }

  end() {
    if (this.#ended) return;
    this.#ended = true;
    this.#child.stdin.destroy();
    if (this.#child.pid === undefined) this.#remove();
  }

  leave() {
    if (!this.#running()) this.#remove();
  }

  // What the collector could not remove itself.
  #remove() {
    living.delete(this);
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

module.exports = { Embedded };
