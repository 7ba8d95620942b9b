//! The number of samples in a run.

/// The effort of a run: all samples, or a tenth of them to try the program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effort {
    Complete,
    Quick,
}

impl Effort {
    /// Returns the number of samples to take, if a complete run takes `samples`.
    pub(crate) fn of(self, samples: usize) -> usize {
        match self {
            Effort::Complete => samples,
            Effort::Quick => samples.div_ceil(10),
        }
    }
}
