//! The router: one entry for every shell, over the command table and the desk that is open.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock, mpsc::Receiver},
    time::Duration,
};

use aisle_sync::Clock;
use serde_json::Value;

use crate::{
    desk::{Desk, Opened, QuitReport},
    error::{AppError, RpcError},
    events::{Event, EventHub},
    settings::{ConnectionReport, ConnectionSettings},
    table,
    views::{EnrolmentView, Session, SessionState},
};

/// What a shell hands to the app: which folder, and which way to a cluster.
pub trait Launcher: Send + Sync {
    /// Opens the folder's desk, if there is one.
    fn open(&self) -> Result<Option<Opened>, RpcError>;

    /// Makes the folder for this store and opens it. Needs no line: a desk without one waits.
    fn connect(&self, settings: &ConnectionSettings) -> Result<Opened, RpcError>;

    /// What an enrolment file says, without its secrets.
    fn read_enrolment(&self, text: &str) -> Result<EnrolmentView, RpcError>;

    /// Makes the folder for the store of an enrolment file and opens it. Needs no line.
    fn enrol(&self, text: &str, desk_name: &str) -> Result<Opened, RpcError>;

    /// Opens the sample store: desk and centre in one process.
    fn rehearse(&self) -> Result<Opened, RpcError>;

    /// Tries a connection, step by step.
    fn test(&self, settings: &ConnectionSettings) -> ConnectionReport;
}

/// The app as a shell sees it. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    launcher: Arc<dyn Launcher>,
    clock: Arc<dyn Clock>,
    hub: Arc<EventHub>,
    state: RwLock<State>,
    /// Whether this computer can ring, as its shell found.
    sound: Mutex<Option<bool>>,
}

#[derive(Default)]
struct State {
    desk: Option<Arc<Desk>>,
    /// Why the folder's desk could not be opened: told instead of a first run, so that nobody starts over a
    /// database that is merely in use or newer.
    failed: Option<RpcError>,
}

impl App {
    /// An app without a desk yet.
    pub fn new(launcher: Arc<dyn Launcher>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            launcher,
            clock,
            hub: Arc::default(),
            state: RwLock::default(),
            sound: Mutex::default(),
        }))
    }

    /// Opens the existing desk, if the folder has one. An error is also kept for the first screen.
    pub fn start(&self) -> Result<(), RpcError> {
        let opened = self.0.launcher.open();
        match opened {
            Ok(None) => Ok(()),
            Ok(Some(opened)) => self.install(opened).map(|_| ()).map_err(|error| self.fail(error.into())),
            Err(error) => Err(self.fail(error)),
        }
    }

    fn fail(&self, error: RpcError) -> RpcError {
        self.0.state.write().unwrap_or_else(PoisonError::into_inner).failed = Some(error.clone());
        error
    }

    fn install(&self, opened: Opened) -> Result<Session, AppError> {
        let desk = Desk::start(opened, Arc::clone(&self.0.clock), Arc::clone(&self.0.hub))?;
        {
            let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
            state.desk = Some(Arc::clone(&desk));
            state.failed = None;
        }
        let session = desk.session();
        self.0.hub.emit(&Event::Session { session: Box::new(session.clone()) });
        desk.ring_unheard()?;
        Ok(session)
    }

    /// Answers a command of the table with JSON. Blocks for the database, and for the network only in
    /// `test_connection`.
    ///
    /// # Errors
    /// `not_understood` for a command or parameters that the table does not have, else what the use case says.
    pub fn call(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        table::dispatch(self, method, params)
    }

    /// The shell tells whether this computer can ring.
    pub fn tell_sound(&self, is_there: bool) {
        let before = self.0.sound.lock().unwrap_or_else(PoisonError::into_inner).replace(is_there);
        if before != Some(is_there) {
            self.0.hub.emit(&Event::Sound { is_there });
        }
    }

    /// Whether this computer can ring, where it was tried.
    pub(crate) fn sound(&self) -> Option<bool> {
        *self.0.sound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn test_alarm(&self) {
        self.0.hub.emit(&Event::AlarmTest);
    }

    /// Events from now on.
    pub fn subscribe(&self) -> Receiver<Event> {
        self.0.hub.subscribe()
    }

    /// The open desk.
    pub(crate) fn desk(&self) -> Result<Arc<Desk>, AppError> {
        let state = self.0.state.read().unwrap_or_else(PoisonError::into_inner);
        match (&state.desk, &state.failed) {
            (Some(desk), _) => Ok(Arc::clone(desk)),
            (None, Some(error)) => Err(AppError::Shell(error.clone())),
            (None, None) => Err(AppError::NoDesk),
        }
    }

    pub(crate) fn session(&self) -> Result<Session, AppError> {
        match self.desk() {
            Ok(desk) => Ok(desk.session()),
            Err(AppError::NoDesk) => Ok(Session {
                state: SessionState::FirstRun,
                rehearsal: false,
                version: env!("CARGO_PKG_VERSION").into(),
                store: None,
                desk: None,
                person: None,
                locked: None,
            }),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn connect(&self, settings: &ConnectionSettings) -> Result<Session, AppError> {
        settings.validate()?;
        self.refuse_second_desk()?;
        let opened = self.0.launcher.connect(settings).map_err(AppError::Shell)?;
        self.install(opened)
    }

    pub(crate) fn read_enrolment(&self, text: &str) -> Result<EnrolmentView, AppError> {
        self.0.launcher.read_enrolment(text).map_err(AppError::Shell)
    }

    pub(crate) fn enrol(&self, text: &str, desk_name: &str) -> Result<Session, AppError> {
        self.refuse_second_desk()?;
        let opened = self.0.launcher.enrol(text, desk_name).map_err(AppError::Shell)?;
        self.install(opened)
    }

    pub(crate) fn rehearse(&self) -> Result<Session, AppError> {
        self.refuse_second_desk()?;
        let opened = self.0.launcher.rehearse().map_err(AppError::Shell)?;
        self.install(opened)
    }

    /// Ends the sample store; a store's own desk is never closed by it.
    pub(crate) fn leave_rehearsal(&self) -> Result<Session, AppError> {
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        let left = state.desk.take_if(|desk| desk.rehearsal);
        drop(state);
        let desk = left.ok_or_else(|| AppError::NotFound("sample store open here".into()))?;
        // A sample store is made anew each time: nothing of it waits to be sent, and nobody has to hear it.
        desk.quit(Duration::ZERO);
        if let Err(error) = desk.acknowledge(None) {
            tracing::error!(%error, "the sample store's alarms could not be ended");
        }
        drop(desk);
        let session = self.session()?;
        self.0.hub.emit(&Event::Session { session: Box::new(session.clone()) });
        Ok(session)
    }

    fn refuse_second_desk(&self) -> Result<(), AppError> {
        match self.desk() {
            Ok(desk) => Err(AppError::Input {
                code: "folder_in_use",
                message: format!("a desk is open already, in {}; close it first", desk.data().display()),
            }),
            Err(AppError::NoDesk) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn test_connection(&self, settings: &ConnectionSettings) -> ConnectionReport {
        match settings.validate() {
            Ok(_) => self.0.launcher.test(settings),
            Err(error) => ConnectionReport { ok: false, steps: Vec::new(), error: Some(error.into()) },
        }
    }

    /// Releases what is held, pushes for at most `limit`, closes the desk.
    pub fn quit(&self, limit: Duration) -> QuitReport {
        let desk = self.0.state.write().unwrap_or_else(PoisonError::into_inner).desk.take();
        desk.map_or(QuitReport { unsent: 0 }, |desk| desk.quit(limit))
    }
}
