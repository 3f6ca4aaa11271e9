//! The factors of a session or of a token, inside of the object that shows them.

use std::ffi::c_char;

use hellojohn_core::Factors;

use crate::texts::{TextOffset, Texts};

pub(crate) struct FactorList {
    texts: Texts,
    factors: Vec<(TextOffset, i64)>,
}

impl FactorList {
    pub(crate) fn new(factors: &Factors) -> Self {
        let mut texts = Texts::default();
        let list = factors.as_slice().iter().map(|factor| (texts.add(&factor.method), factor.at.as_millis()));
        FactorList { factors: list.collect(), texts }
    }

    pub(crate) fn len(&self) -> usize {
        self.factors.len()
    }

    pub(crate) fn method(&self, index: usize) -> *const c_char {
        self.texts.c_str(self.factors.get(index).map_or(TextOffset::ABSENT, |(method, _)| *method))
    }

    pub(crate) fn at_ms(&self, index: usize) -> i64 {
        self.factors.get(index).map_or(0, |(_, at)| *at)
    }
}
