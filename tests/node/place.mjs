// Private directories, a real collector on them, and children that end with the test. ARBITER_BIN_DIR has the programs; where the package
// and its two backends are, the environment of the tests says (CMakeLists.txt).
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

export const here = path.dirname(fileURLToPath(import.meta.url));
export const source = path.resolve(here, "../..");
export const bin = process.env.ARBITER_BIN_DIR;
export const packageDir = path.join(source, "producer/node");
export const arbiter = () => createRequire(import.meta.url)(packageDir);
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(done, what, atMostMs = 20_000) {
  for (const end = Date.now() + atMostMs; Date.now() < end; await sleep(10)) if (await done()) return;
  throw new Error(`not within ${atMostMs} ms: ${what}`);
}

export const plain = {
  retention: { max_age: null, max_events: null, max_bytes: null },
  anonymization: { enabled: false },
  export: { interval: null },
};

export class Place {
  constructor() {
    this.root = mkdtempSync(path.join(tmpdir(), "arbiter-node-"));
    this.memory = mkdtempSync("/dev/shm/arbiter-node-");
    this.children = new Set();
    after(() => this.end());
  }
  get lanes() {
    return path.join(this.memory, "lanes");
  }
  get socket() {
    return path.join(this.memory, "control.sock");
  }
  get environment() {
    return { ...process.env, ARBITER_RING_DIR: this.lanes, ARBITER_SOCKET: this.socket };
  }

  start(command, args = [], options = {}) {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: this.environment, ...options });
    this.children.add(child);
    child.out = "";
    child.err = "";
    child.stdout?.on("data", (data) => (child.out += data));
    child.stderr?.on("data", (data) => (child.err += data));
    child.ended = new Promise((resolve) => child.on("close", (code, signal) => resolve(signal ?? code)));
    return child;
  }

  async collect(config = plain) {
    const file = path.join(this.root, "collector.json");
    writeFileSync(file, JSON.stringify(config));
    const directories = ["--ring-dir", this.lanes, "--state-dir", path.join(this.root, "state"), "--socket", this.socket];
    const collector = this.start(path.join(bin, "arbiter-collector"), ["--config", file, ...directories]);
    await until(() => this.ctl("status").status === 0 || collector.exitCode !== null, "the collector answers");
    if (collector.exitCode !== null) throw new Error(collector.err);
    return collector;
  }
  ctl(...args) {
    return spawnSync(path.join(bin, "arbiterctl"), args, { env: this.environment, encoding: "utf8", maxBuffer: 1 << 28 });
  }
  ask(...args) {
    const ran = this.ctl("--json", ...args);
    if (ran.status !== 0) throw new Error(ran.stderr);
    return JSON.parse(ran.stdout);
  }
  // The lines of a snapshot's events.jsonl: what training jobs read.
  exported() {
    const { path: directory } = this.ask("export", "--format", "events.jsonl", "--wait");
    return readFileSync(path.join(directory, "events.jsonl"), "utf8").trim().split("\n").filter(Boolean);
  }

  async end() {
    for (const child of this.children) child.kill("SIGKILL");
    await Promise.all([...this.children].map((child) => child.ended));
    for (const directory of [this.root, this.memory]) rmSync(directory, { recursive: true, force: true });
  }
}

// How many segments below that directory this process has mapped, by the kernel's word, which calls them by what they had when they were
// opened: no name.
export function mapped(directory) {
  const maps = readFileSync("/proc/self/maps", "utf8").split("\n");
  return maps.filter((line) => line.includes(` ${directory}`) && /\/lanes\/#\d+ /.test(line)).length;
}

// A directory below the place's, with a program of a test in it.
export function program(place, name, text) {
  const file = path.join(place.root, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}
