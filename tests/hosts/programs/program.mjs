// The exercise as a program, which bundlers bundle and runtimes run. Its argument is the database.
import * as hellojohn from "@hellojohn/node";
import { exercise } from "./exercise.cjs";

console.log(await exercise(hellojohn, process.argv[2]));
