// The exercise as a program in CommonJS. Its argument is the database.
const hellojohn = require("@hellojohn/node");
const { exercise } = require("./exercise.cjs");

exercise(hellojohn, process.argv[2]).then(console.log);
