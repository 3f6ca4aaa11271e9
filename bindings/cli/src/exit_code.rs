//! What a shell learns of a command.

/// What was asked for was done.
pub const DONE: u8 = 0;
/// The engine said no, or what was checked is not good.
pub const REFUSED: u8 = 1;
/// The command line cannot be understood, or a value of it is not good.
pub const USAGE: u8 = 2;
/// The database cannot be read or written, or something else broke.
pub const BROKEN: u8 = 3;
