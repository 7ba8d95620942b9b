//! Tasks on tokio that share a generator.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;

use crate::rounds::{Spent, spend};

/// Runs a number of tasks that issue a number of IDs together.
pub type TaskRun = fn(tasks: u64, ids: u64) -> Spent;

/// A subject with an async call.
pub trait AsyncSubject: Send + Sync + 'static {
    /// Issues an ID.
    fn next(&self) -> impl Future<Output = u64> + Send;
}

/// Runs the tasks on two workers.
pub(crate) fn run<S: AsyncSubject + Default>(tasks: u64, ids: u64) -> Spent {
    let subject = Arc::new(S::default());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("the system starts two threads");
    spend(|| {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..tasks)
                .map(|_| {
                    let subject = Arc::clone(&subject);
                    tokio::spawn(async move {
                        for _ in 0..ids / tasks {
                            black_box(subject.next().await);
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.expect("no subject panics");
            }
        });
    })
}
