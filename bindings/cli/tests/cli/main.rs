//! The program `hellojohn`, run as people and programs run it.

mod bad_input;
mod commands;
mod documents;
mod import;
mod serve;
mod shell;
