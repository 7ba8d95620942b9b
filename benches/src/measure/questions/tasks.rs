//! What tasks on tokio get.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use benches::subject::{Ours, Subject};
use snowflake::layout::IDS_PER_MS;

use super::saturation::{CAP_PER_S, cpu_time};
use crate::table;

/// A second at the cap, shared among the tasks.
const IDS: u64 = 1000 * IDS_PER_MS;

/// Runs `next` in `tasks` tasks: the share of the cap, and the CPU seconds per million IDs.
fn run<S, F>(subject: &Arc<S>, tasks: u64, next: fn(Arc<S>, u64) -> F) -> (f64, f64)
where
    S: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime starts");
    let (begun, cpu) = (Instant::now(), cpu_time());
    runtime.block_on(async {
        let tasks: Vec<_> =
            (0..tasks).map(|_| tokio::spawn(next(Arc::clone(subject), IDS / tasks))).collect();
        for task in tasks {
            task.await.expect("no subject panics");
        }
    });
    let cpu = (cpu_time() - cpu).as_secs_f64() * 1e6 / IDS as f64;
    (IDS as f64 / CAP_PER_S / begun.elapsed().as_secs_f64(), cpu)
}

async fn ours(subject: Arc<Ours>, ids: u64) {
    for _ in 0..ids {
        let _ = black_box(subject.0.next_id_tokio().await);
    }
}

async fn ours_on_the_timer(subject: Arc<Ours>, ids: u64) {
    for _ in 0..ids {
        let _ = black_box(subject.0.next_id_with(tokio::time::sleep).await);
    }
}

#[cfg(feature = "peers")]
mod peers {
    use super::*;
    use benches::subject::peers::{Ferroid, Typedflake};
    use ferroid::futures::SnowflakeGeneratorAsyncTokioExt;

    pub(super) async fn ferroid(subject: Arc<Ferroid>, ids: u64) {
        for _ in 0..ids {
            black_box(subject.0.next_id_async().await);
        }
    }

    pub(super) async fn typedflake(subject: Arc<Typedflake>, ids: u64) {
        for _ in 0..ids {
            black_box(subject.next_async().await);
        }
    }
}

pub(crate) fn ask() {
    let mut rows = Vec::new();
    let mut row = |name: &str, tasks: u64, (share, cpu): (f64, f64)| {
        rows.push(vec![name.into(), tasks.to_string(), format!("{share:.3}"), format!("{cpu:.4}")]);
    };
    for tasks in [1, 8, 64] {
        let ours_subject = Arc::new(Ours::with_lead_ms(0));
        row(<Ours>::NAME, tasks, run(&ours_subject, tasks, ours));
        let timed = run(&ours_subject, tasks, ours_on_the_timer);
        row("snowflake, `next_id_with(tokio::time::sleep)`", tasks, timed);
        #[cfg(feature = "peers")]
        {
            use benches::subject::peers::{Ferroid, Typedflake};
            row(Ferroid::NAME, tasks, run(&Arc::new(Ferroid::default()), tasks, peers::ferroid));
            let typedflake = Arc::new(Typedflake::default());
            row(Typedflake::NAME, tasks, run(&typedflake, tasks, peers::typedflake));
        }
    }
    table::print(
        "Tasks on tokio",
        &format!(
            "{IDS} IDs with the system's clock and no lead, on two workers: capped by the layout. \
             This crate's tasks share one sleep on the runtime's blocking pool; the others sleep \
             by tokio's timer, which counts whole milliseconds."
        ),
        &["subject", "tasks", "share of the cap", "CPU s per million"],
        &rows,
    );
}
