// The functions of arbiter/producer.h by koffi, for where the addon cannot be built. It does what the addon does, with the same answers:
// writes the struct of an event into memory that is kept, and calls the library.
"use strict";

const koffi = require("koffi");

const { types } = require("./kinds.js");
const { request } = require("./koffi-request.js");

// Of arbiter/producer.h: what is called below.
const ABI_MAJOR = 1, ABI_MINOR = 1;

const library = load();
const abiVersion = library.func("uint32_t arbiter_abi_version()")();
if (abiVersion >>> 16 !== ABI_MAJOR || (abiVersion & 0xffff) < ABI_MINOR) {
  const there = `${abiVersion >>> 16}.${abiVersion & 0xffff}`;
  throw new Error(`libarbiter_producer is of version ${there}, and ${ABI_MAJOR}.${ABI_MINOR} or a later ${ABI_MAJOR}.x is wanted`);
}
const functions = {
  create: library.func("void *arbiter_producer_create(void *options)"),
  destroy: library.func("void arbiter_producer_destroy(void *producer)"),
  attach: library.func("int arbiter_attach_thread(void *producer)"),
  detach: library.func("void arbiter_detach_thread(void *producer)"),
  flush: library.func("int arbiter_flush(void *producer, int64_t timeout_ns)"),
  account: library.func("int arbiter_producer_account(void *producer, void *account)"),
  problem: library.func("size_t arbiter_producer_problem(void *producer, void *buffer, size_t size)"),
  record: library.func("int arbiter_record(void *producer, int kind, void *event, void *made_id)"),
  start: library.func("int arbiter_start_task(void *producer, void *event, void *run)"),
  complete: library.func("int arbiter_run_complete(void *run, void *completion)"),
  version: library.func("const char *arbiter_version()"),
  errors: ["", "_field", "_rule"].map((part) => library.func(`const char *arbiter_last_error${part}()`)),
};
const string = koffi.struct("arbiter_string", { data: "void *", size: "size_t" });
const runIds = ["execution", "task", "agent", "decision"].map((id) => library.func(`arbiter_run_${id}_id`, string, ["void *"]));

const clockGettime = koffi.load(null).func("int clock_gettime(int clock, void *timespec)");
const CLOCK_REALTIME = 0;
const timespec = Buffer.alloc(16);

const RUN_BYTES = 1536;

function load() {
  const named = process.env.ARBITER_PRODUCER_LIBRARY;
  const files = named ? [named] : [`${__dirname}/../libarbiter_producer.so.1`, "libarbiter_producer.so.1", "/usr/local/lib/libarbiter_producer.so.1"];
  for (const [at, file] of files.entries()) {
    try {
      return koffi.load(file);
    } catch (error) {
      if (at === files.length - 1) throw error;
    }
  }
}

// --- memory of a call: a struct, strings and items. What is full is left to the garbage collector once the call is over.

const ARENA_BYTES = 128 * 1024;
let arena, arenaAt, used;
function begin(bytes = ARENA_BYTES) {
  arena = Buffer.alloc(bytes);
  arenaAt = koffi.address(arena);
  used = 0;
}
begin();
let kept = []; // arenas of this call

function room(bytes) {
  used = (used + 7) & ~7;
  if (arena.length - used < bytes) {
    kept.push(arena);
    begin(Math.max(bytes, ARENA_BYTES));
  }
  const at = used;
  used += bytes;
  return at;
}

class Wrong extends Error {}
const given = (value) => value !== undefined && value !== null;

function putString(at, to, value) {
  if (!given(value)) return;
  if (typeof value !== "string") throw new Wrong("is not a string");
  const bytes = Buffer.byteLength(value);
  const start = room(bytes + 1);
  to.writeBigUInt64LE(arenaAt + BigInt(start), at);
  to.writeBigUInt64LE(BigInt(arena.write(value, start, "utf8")), at + 8);
}
function putNumber(at, to, value) {
  if (!given(value)) return;
  if (typeof value !== "number") throw new Wrong("is not a number");
  to.writeDoubleLE(value, at);
  to[at + 8] = 1;
}
function putWhole(at, to, value) {
  if (value < -(2n ** 63n) || value >= 2n ** 63n) throw new Wrong("is out of its range");
  to.writeBigInt64LE(value, at);
  to[at + 8] = 1;
}
function putCount(at, to, value) {
  if (!given(value)) return;
  if (typeof value === "bigint") return putWhole(at, to, value);
  if (!Number.isInteger(value) || Math.abs(value) > 2 ** 53) throw new Wrong("is not a whole number");
  putWhole(at, to, BigInt(value));
}
function putTime(at, to, value) {
  if (!given(value)) return;
  if (typeof value === "bigint") return putWhole(at, to, value);
  if (typeof value !== "number" || !(Math.abs(value) <= 9.2e12)) throw new Wrong("is not a time");
  const whole = Math.trunc(value);
  putWhole(at, to, BigInt(whole) * 1000000n + BigInt(Math.trunc((value - whole) * 1e6)));
}
function putFlag(at, to, value) {
  if (!given(value)) return;
  if (typeof value !== "boolean") throw new Wrong("is not true or false");
  to[at] = value ? 1 : 0;
  to[at + 1] = 1;
}
function putScore(at, to, value) {
  if (typeof value !== "number") throw new Wrong("is not a number");
  to.writeDoubleLE(value, at);
}

const put = [putString, putNumber, putCount, putTime, putFlag];
const items = {
  [types.strings.number]: { bytes: 16, members: [[0, putString]] },
  [types.alternatives.number]: { bytes: 64, members: [[0, putString], [16, putNumber], [32, putNumber], [48, putString]] },
  [types.violations.number]: { bytes: 48, members: [[0, putString], [16, putString], [32, putString]] },
  [types.scores.number]: { bytes: 24, members: [[0, putString], [16, putScore]] },
};
function putList(at, to, value, { bytes, members }) {
  if (!given(value)) return;
  if (!Array.isArray(value)) throw new Wrong("is not a list");
  const count = Math.floor(value.length / members.length);
  if (count > 65536) throw new Wrong("has too many items");
  const start = room(Math.max(1, count * bytes));
  const list = arena.subarray(start, start + count * bytes).fill(0);
  to.writeBigUInt64LE(arenaAt + BigInt(start), at);
  to.writeUInt32LE(count, at + 8);
  to.writeUInt32LE(bytes, at + 12);
  for (let i = 0; i < count; ++i)
    members.forEach(([offset, write], k) => write(i * bytes + offset, list, value[i * members.length + k]));
}

// --- the calls

let own = null; // of the last call that was wrong already here: message, field and rule

function wrong(path, rule) {
  own = [`${path}: ${rule}`, path, rule];
  return 4;
}

const madeId = Buffer.alloc(48);

function recorder(call, kind, size, fields) {
  const event = Buffer.alloc(size);
  return (handle, ...values) => {
    if (!handle?.pointer && !(handle instanceof Uint8Array)) return wrong("producer", "is none");
    const run = call === 2 ? values.shift() : null;
    event.fill(0).writeBigUInt64LE(BigInt(size));
    used = 0;
    try {
      for (let i = 0; i < values.length && i < fields.length; ++i) {
        const { offset, type, path } = fields[i];
        try {
          if (type.width) putList(offset, event, values[i], items[type.number]);
          else put[type.number](offset, event, values[i]);
        } catch (error) {
          if (error instanceof Wrong) return wrong(path, error.message);
          throw error;
        }
      }
      own = null;
      if (call === 2) return functions.start(handle.pointer, event, run);
      if (call === 3) return functions.complete(handle, event);
      if (call === 0) return functions.record(handle.pointer, kind, event, null);
      madeId.writeUInt32LE(0);
      const status = functions.record(handle.pointer, kind, event, madeId);
      const bytes = madeId.readUInt32LE();
      return bytes === 0 ? status : madeId.latin1Slice(4, 4 + bytes);
    } finally {
      kept = [];
    }
  };
}

const ended = new FinalizationRegistry((pointer) => functions.destroy(pointer));

function create(ringDir, instance, waitUpToMs) {
  const options = Buffer.alloc(48);
  used = 0;
  options.writeBigUInt64LE(48n);
  putString(8, options, ringDir);
  putString(24, options, instance);
  options.writeBigInt64LE(ns(waitUpToMs), 40);
  const pointer = functions.create(options);
  if (!pointer) throw Object.assign(new Error(functions.errors[0]()), { code: "ERR_ARBITER" });
  const handle = { pointer };
  ended.register(handle, pointer);
  return handle;
}

function ns(ms) {
  return ms > 0 ? BigInt(Math.trunc(Math.min(ms, 9e12) * 1e6)) : 0n;
}

module.exports = {
  name: "koffi",
  create,
  recorder,
  request,
  runBytes: RUN_BYTES,
  version: functions.version(),
  abiVersion,
  attachThread: ({ pointer }) => functions.attach(pointer) !== 0,
  detachThread: ({ pointer }) => functions.detach(pointer),
  flushNow: ({ pointer }, timeoutMs) => functions.flush(pointer, ns(timeoutMs)) !== 0,
  flush(handle, timeoutMs) {
    return new Promise((resolve) => functions.flush.async(handle.pointer, ns(timeoutMs), (error, done) => resolve(!error && handle.pointer && done !== 0)));
  },
  account({ pointer }) {
    const account = Buffer.alloc(56);
    account.writeBigUInt64LE(56n);
    functions.account(pointer, account);
    return [8, 16, 24, 32, 40, 48].map((at) => Number(account.readBigUInt64LE(at)));
  },
  problem({ pointer }) {
    const text = Buffer.alloc(1024);
    functions.problem(pointer, text, text.length);
    return text.toString("utf8", 0, text.indexOf(0));
  },
  lastError: () => own ?? functions.errors.map((error) => error()),
  runIds: (run) => runIds.map((id) => textOf(id(run))),
  holdMemory() {},
  nowNs() {
    clockGettime(CLOCK_REALTIME, timespec);
    return timespec.readBigInt64LE(0) * 1_000_000_000n + timespec.readBigInt64LE(8);
  },
};

function textOf({ data, size }) {
  return data ? Buffer.from(koffi.view(data, Number(size))).toString() : "";
}
