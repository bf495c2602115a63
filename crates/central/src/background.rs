//! A centre at work in threads of another process, as a rehearsal has it.

use std::{sync::Arc, thread::JoinHandle};

use aisle_contract::Transport;

use crate::{CentralError, Centre, SimulateOptions, Stop, WorkOptions};

/// A centre at work, until it is stopped or dropped.
#[derive(Debug)]
pub struct Background {
    stop: Stop,
    threads: Vec<JoinHandle<Result<(), CentralError>>>,
}

impl Centre {
    /// Starts a worker over `transport`, and a simulated store where one is wished.
    ///
    /// # Errors
    /// [`CentralError::Thread`] when the system gives no thread.
    pub fn start(
        &self,
        transport: Arc<dyn Transport>,
        work: WorkOptions,
        simulate: Option<SimulateOptions>,
    ) -> Result<Background, CentralError> {
        let mut background = Background { stop: Stop::new(), threads: Vec::new() };
        let (centre, stop) = (self.clone(), background.stop.clone());
        background.add("centre-work", move || centre.work(transport.as_ref(), &work, &stop).map(|_| ()))?;
        if let Some(options) = simulate {
            let (centre, stop) = (self.clone(), background.stop.clone());
            background.add("centre-simulate", move || centre.simulate(&options, &stop).map(|_| ()))?;
        }
        Ok(background)
    }
}

impl Background {
    fn add(
        &mut self,
        name: &str,
        body: impl FnOnce() -> Result<(), CentralError> + Send + 'static,
    ) -> Result<(), CentralError> {
        let thread = std::thread::Builder::new().name(name.into()).spawn(body).map_err(CentralError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }

    /// Ends it, and answers the first error that a thread had ended with.
    pub fn stop(mut self) -> Result<(), CentralError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), CentralError> {
        self.stop.stop();
        let mut ended = Ok(());
        for thread in self.threads.drain(..) {
            match thread.join() {
                Ok(outcome) => ended = ended.and(outcome),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        ended
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if self.threads.is_empty() {
            return;
        }
        if let Err(error) = self.end() {
            tracing::warn!(%error, "the centre had ended with an error");
        }
    }
}
