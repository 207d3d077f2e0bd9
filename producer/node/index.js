"use strict";

const { ArbiterError, Producer, Run } = require("./lib/producer.js");
const { backend } = require("./lib/backend.js");

const { ControlError, PerformanceTracker } = require("./lib/tracker.js");

module.exports = {
  ArbiterError,
  ControlError,
  PerformanceTracker,
  Producer,
  Run,
  backend: backend.name,
  version: backend.version,
  abiVersion: backend.abiVersion,
};
