"use strict";

const { ArbiterError, Producer, Run } = require("./lib/producer.js");
const { backend } = require("./lib/backend.js");

module.exports = { ArbiterError, Producer, Run, backend: backend.name, version: backend.version, abiVersion: backend.abiVersion };
