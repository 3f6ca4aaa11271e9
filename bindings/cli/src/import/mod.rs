//! Reading the sessions of other systems as the rows of an import (SPEC 15).
//!
//! [`peers`] knows where each system keeps what, [`row`] makes a row of an import from a row of a table, [`pipe`] hands the rows
//! on as they are read.

pub(crate) mod peers;
pub(crate) mod pipe;
pub(crate) mod row;
