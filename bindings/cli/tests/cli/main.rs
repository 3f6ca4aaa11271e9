//! The program `hellojohn`, run as people and programs run it.

mod bad_input;
mod commands;
mod copy;
mod documents;
mod follow;
mod import;
mod restore;
mod serve;
mod shell;
