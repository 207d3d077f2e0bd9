// Questions to a collector, by HTTP over its Unix socket; the caller waits, as it did when the answers lay in its own memory.
"use strict";

const { backend } = require("./backend.js");

class ControlError extends Error {
  constructor(message, status) {
    super(message);
    this.name = "ControlError";
    this.status = status; // of HTTP; undefined: there was no answer
  }
}

function unchunked(body) {
  const parts = [];
  for (let at = 0; ; ) {
    const end = body.indexOf("\r\n", at);
    const size = end < 0 ? Number.NaN : Number.parseInt(body.toString("latin1", at, end), 16);
    if (!(size >= 0) || end + 2 + size > body.length) throw new ControlError("the answer was cut off");
    if (size === 0) return Buffer.concat(parts);
    parts.push(body.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}

// The text of the answer; throws what the collector says is wrong.
function ask(socket, method, target, body = null, timeoutMs = 30_000) {
  const text = body === null ? "" : JSON.stringify(body);
  const head = `${method} ${target} HTTP/1.1\r\nHost: arbiter\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n`;
  let answer;
  try {
    answer = backend.request(socket, head + text, timeoutMs);
  } catch (error) {
    const said = error.code === "ETIMEDOUT" ? `no answer within ${timeoutMs} ms` : error.message;
    throw Object.assign(new ControlError(`no collector answers at ${socket}: ${said}`), { code: error.code });
  }
  const end = answer.indexOf("\r\n\r\n");
  const lines = answer.toString("latin1", 0, Math.max(end, 0)).split("\r\n");
  const status = Number(lines[0].split(" ")[1]);
  if (end < 0 || !status) throw Object.assign(new ControlError(`no collector answers at ${socket}: cut off`), { code: "ECONNRESET" });
  const chunked = lines.some((line) => /^transfer-encoding:\s*chunked$/i.test(line));
  const rest = answer.subarray(end + 4);
  const said = (chunked ? unchunked(rest) : rest).toString();
  if (status < 300) return said;
  let why = said.trim();
  try {
    why = JSON.parse(said).error;
  } catch {} // not ours: as it is
  throw new ControlError(`${why} (${status})`, status);
}

module.exports = { ControlError, ask };
