// One blocking exchange over a Unix socket, with the functions of the C library: what addon_request.c does where there is an addon.
"use strict";

const os = require("node:os");
const util = require("node:util");

const koffi = require("koffi");

const c = koffi.load(null);
const AF_UNIX = 1, SOCK_STREAM_CLOEXEC = 0o2000001, MSG_NOSIGNAL_DONTWAIT = 0x4040, POLLIN = 1, POLLOUT = 4;
const socket = c.func("int socket(int, int, int)");
const connect = c.func("int connect(int, void *, int)");
const send = c.func("long send(int, void *, size_t, int)");
const recv = c.func("long recv(int, void *, size_t, int)");
const poll = c.func("int poll(void *, unsigned long, int)");
const close = c.func("int close(int)");
const { EAGAIN, EINTR, ETIMEDOUT, ENAMETOOLONG } = os.constants.errno;

class Failed extends Error {
  constructor(number) {
    super(util.getSystemErrorName(-number));
    this.code = this.message;
  }
}

function waitFor(descriptor, events, until) {
  const one = Buffer.alloc(8);
  for (;;) {
    const left = Math.ceil(until - performance.now());
    if (left <= 0) throw new Failed(ETIMEDOUT);
    one.writeInt32LE(descriptor, 0);
    one.writeInt16LE(events, 4);
    const ready = poll(one, 1, Math.min(left, 1e6));
    if (ready > 0) return;
    if (ready < 0 && koffi.errno() !== EINTR) throw new Failed(koffi.errno());
  }
}

// What `call` answers once the socket is ready.
function once(descriptor, events, until, call) {
  for (;;) {
    const answer = Number(call());
    if (answer >= 0) return answer;
    const error = koffi.errno();
    if (error === EAGAIN) waitFor(descriptor, events, until);
    else if (error !== EINTR) throw new Failed(error);
  }
}

function request(path, text, timeoutMs) {
  const until = performance.now() + timeoutMs;
  const address = Buffer.alloc(110);
  if (Buffer.byteLength(path) > 107) throw new Failed(ENAMETOOLONG);
  address.writeUInt16LE(AF_UNIX);
  address.write(path, 2);
  const descriptor = socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0);
  if (descriptor < 0) throw new Failed(koffi.errno());
  try {
    if (connect(descriptor, address, address.length) !== 0) throw new Failed(koffi.errno());
    let unsent = Buffer.from(text);
    while (unsent.length > 0)
      unsent = unsent.subarray(once(descriptor, POLLOUT, until, () => send(descriptor, unsent, unsent.length, MSG_NOSIGNAL_DONTWAIT)));
    const chunks = [];
    for (;;) {
      const chunk = Buffer.allocUnsafe(65536);
      const size = once(descriptor, POLLIN, until, () => recv(descriptor, chunk, chunk.length, MSG_NOSIGNAL_DONTWAIT));
      if (size === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, size));
    }
  } finally {
    close(descriptor);
  }
}

module.exports = { request };
