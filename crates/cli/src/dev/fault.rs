//! A worker that dies at a point of its round, where a test says so: `AISLE_DIES_AT=after_commit:3` is the third time that it
//! comes by. Only in builds for development.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use aisle_central::{FaultPoint, Faults};

use crate::exit::Failure;

const VARIABLE: &str = "AISLE_DIES_AT";

struct DiesAt {
    point: FaultPoint,
    left: AtomicU64,
}

impl Faults for DiesAt {
    fn strikes(&self, _partition: i32, point: FaultPoint) -> bool {
        if point == self.point && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            // The whole process, as a power cut takes it: no other thread finishes anything either.
            #[cfg(unix)]
            drop(signal_hook::low_level::raise(signal_hook::consts::SIGKILL));
            std::process::abort();
        }
        false
    }
}

/// What the environment says.
pub(crate) fn wished() -> Result<Option<Arc<dyn Faults>>, Failure> {
    let Ok(text) = std::env::var(VARIABLE) else { return Ok(None) };
    let bad = || Failure::new("usage", format!("{VARIABLE}={text} is not POINT:TIMES"));
    let (word, times) = text.split_once(':').ok_or_else(bad)?;
    let point = match word {
        "after_commit" => FaultPoint::AfterCommit,
        "after_publish" => FaultPoint::AfterPublish,
        "before_offset_commit" => FaultPoint::BeforeOffsetCommit,
        _ => return Err(bad()),
    };
    let times: u64 = times.parse().map_err(|_| bad())?;
    Ok(Some(Arc::new(DiesAt { point, left: AtomicU64::new(times) })))
}
