//! The number of samples in a run.

/// All samples, or a tenth of them to try the program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effort {
    Complete,
    Quick,
}

impl Effort {
    /// Returns how many of a complete run's samples to take.
    pub(crate) fn of(self, samples: usize) -> usize {
        match self {
            Effort::Complete => samples,
            Effort::Quick => samples.div_ceil(10),
        }
    }
}
