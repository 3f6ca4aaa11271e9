#!/usr/bin/env node
import process from "node:process";
import { loadAddon } from "./internal/loader";

// The command has this process to itself: it reads and writes the streams, and takes the signals, until it has ended.
process.exitCode = loadAddon().runCommandLine(["hellojohn", ...process.argv.slice(2)]);
