//! Where a desk keeps its password and its signing key: in the system's keychain, or, where there is none, in a file of
//! the data folder that only its owner reads. Never in the database, so that no copy of it has them.

use std::{
    io::ErrorKind,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

use aisle_app::{RpcError, SecretsPlace};
use aisle_contract::enrolment::{KeyText, Secret};
use aisle_domain::DeskId;
use aisle_mirror::private;
use serde::{Deserialize, Serialize};

use crate::error;

/// The name under which a keychain shows its entries.
const SERVICE: &str = "Aisle order desk";
const FILE: &str = "secrets";
/// What to do about a folder that takes no secrets.
pub(crate) const WRITABLE: &str =
    "make sure that the data folder can be written and has room, then use the file again";
/// A keychain that asks its owner something first must not hold a desk up for longer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Set to `file` where a keychain is there and not to be used, as on a machine that nobody signs in at.
const PLACE: &str = "AISLE_SECRETS";

/// Whether secrets go to the system's keychain: `AISLE_SECRETS=file` says no.
pub fn wants_keychain() -> bool {
    std::env::var_os(PLACE).is_none_or(|place| place != "file")
}

/// What is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// For a secured line.
    pub(crate) password: Option<Secret>,
    /// What changes are signed with.
    pub(crate) key: KeyText,
}

impl Secrets {
    fn to_text(&self) -> Result<Secret, RpcError> {
        serde_json::to_string(self)
            .map(Secret::new)
            .map_err(|_| error("unexpected", "the secrets cannot be written as text", None))
    }

    /// Keeps them for a desk, in the keychain where that is wanted and there is one; answers where.
    pub(crate) fn keep(&self, dir: &Path, desk: DeskId, in_keychain: bool) -> Result<SecretsPlace, RpcError> {
        let text = self.to_text()?;
        if in_keychain {
            match keychain_keep(desk, text.clone()) {
                Ok(()) => return Ok(SecretsPlace::Keychain),
                Err(why) => tracing::info!(why, "no keychain takes the desk's secrets; a file keeps them"),
            }
        }
        let file = dir.join(FILE);
        private::write(&file, text.expose()).map_err(|e| {
            let message = format!("the secrets cannot be kept in {}: {e}", file.display());
            error("io_error", message, Some(WRITABLE))
        })?;
        Ok(SecretsPlace::File)
    }

    /// Those of a desk.
    pub(crate) fn load(dir: &Path, desk: DeskId, place: SecretsPlace) -> Result<Self, RpcError> {
        let text = match place {
            SecretsPlace::Keychain => keychain_load(desk).map_err(|why| {
                let message = format!("the system's keychain does not give this desk's password and key: {why}");
                unavailable(message, "unlock the keychain and try again, or enrol this desk again")
            })?,
            SecretsPlace::File => file_load(&dir.join(FILE))?,
        };
        serde_json::from_str(text.expose())
            .map_err(|_| unavailable("this desk's password and key are damaged".into(), "enrol this desk again"))
    }
}

fn unavailable(message: String, hint: &str) -> RpcError {
    error("secrets_unavailable", message, Some(hint))
}

fn file_load(file: &Path) -> Result<Secret, RpcError> {
    std::fs::read_to_string(file).map(Secret::new).map_err(|e| {
        let message = format!("this desk's password and key cannot be read from {}: {e}", file.display());
        unavailable(message, "enrol this desk again with aisle init --enrolment FILE --if-missing")
    })
}

/// What a question's own thread will answer.
type Answer<T> = mpsc::Receiver<Result<T, String>>;

/// On a thread of its own: a keychain may ask its owner, and its client runs a loop of its own.
fn ask<T: Send + 'static>(
    question: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<Answer<T>, String> {
    let (sender, answer) = mpsc::channel();
    std::thread::Builder::new()
        .name("keychain".into())
        .spawn(move || {
            // Nobody waits any more for an answer that came too late.
            let _ = sender.send(question());
        })
        .map_err(|e| e.to_string())?;
    Ok(answer)
}

/// The answer, where it comes in time.
fn within<T>(limit: Duration, answer: &Answer<T>) -> Option<Result<T, String>> {
    match answer.recv_timeout(limit) {
        Ok(said) => Some(said),
        Err(mpsc::RecvTimeoutError::Timeout) => None,
        Err(mpsc::RecvTimeoutError::Disconnected) => Some(Err("it was asked in vain".into())),
    }
}

const SILENT: &str = "it does not answer";

/// Questions that nobody has answered yet, each with what it is about. None is asked a second time meanwhile: its owner
/// has a window of the keychain's before them, and the answer to that is waited for.
struct Unanswered<T>(Mutex<Vec<(DeskId, Answer<T>)>>);

impl<T: Send + 'static> Unanswered<T> {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(DeskId, Answer<T>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(
        &self,
        desk: DeskId,
        limit: Duration,
        question: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let mut open = self.lock();
        let earlier = open.iter().position(|(about, _)| *about == desk).map(|place| open.swap_remove(place).1);
        drop(open);
        let answer = match earlier {
            Some(answer) => answer,
            None => ask(question)?,
        };
        within(limit, &answer).unwrap_or_else(|| {
            self.lock().push((desk, answer));
            Err(SILENT.into())
        })
    }
}

fn entry(desk: DeskId) -> Result<keyring::Entry, String> {
    keyring::Entry::new(SERVICE, &desk.to_string()).map_err(|e| words(&e))
}

/// Without what an error may carry of the entry itself.
fn words(error: &keyring::Error) -> String {
    match error {
        keyring::Error::BadEncoding(_) => "the entry is no text".into(),
        keyring::Error::NoEntry => "it has no entry for this desk".into(),
        other => other.to_string(),
    }
}

/// Only what can be read again is kept.
fn keychain_keep(desk: DeskId, text: Secret) -> Result<(), String> {
    let kept = ask(move || {
        let entry = entry(desk)?;
        entry.set_password(text.expose()).map_err(|e| words(&e))?;
        let kept = entry.get_password().map(Secret::new).map_err(|e| words(&e))?;
        if kept.expose() == text.expose() { Ok(()) } else { Err("it gives back something else".into()) }
    })?;
    within(PATIENCE, &kept).unwrap_or_else(|| Err(SILENT.into()))
}

fn keychain_forget(desk: DeskId) -> Result<(), String> {
    let forgotten = ask(move || entry(desk)?.delete_credential().map_err(|e| words(&e)))?;
    within(PATIENCE, &forgotten).unwrap_or_else(|| Err(SILENT.into()))
}

fn keychain_load(desk: DeskId) -> Result<Secret, String> {
    static UNANSWERED: Unanswered<Secret> = Unanswered::new();
    UNANSWERED.answer(desk, PATIENCE, move || entry(desk)?.get_password().map(Secret::new).map_err(|e| words(&e)))
}

/// Takes the file away that earlier secrets are in, where there is one.
pub(crate) fn remove_file(dir: &Path) -> Result<(), RpcError> {
    let file = dir.join(FILE);
    match std::fs::remove_file(&file) {
        Err(e) if e.kind() != ErrorKind::NotFound => {
            let message = format!("the earlier secrets in {} cannot be removed: {e}", file.display());
            Err(error("io_error", message, Some("remove the file by hand")))
        }
        _ => Ok(()),
    }
}

/// Takes away what was kept for a desk that did not come to be.
pub(crate) fn forget(dir: &Path, desk: DeskId, place: SecretsPlace) {
    let forgotten = match place {
        SecretsPlace::Keychain => keychain_forget(desk),
        SecretsPlace::File => remove_file(dir).map_err(|e| e.message),
    };
    if let Err(why) = forgotten {
        tracing::warn!(why, "the secrets of a desk that could not be made were left behind");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(password: &str) -> Secrets {
        Secrets {
            password: Some(Secret::new(password.into())),
            key: KeyText { id: "k1".into(), secret: Secret::new("ab".repeat(32)) },
        }
    }

    #[test]
    fn the_file_is_its_owners_alone_and_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        for password in ["one", "two"] {
            private::write(&file, secrets(password).to_text().unwrap().expose()).unwrap();
            let found = Secrets::load(folder.path(), DeskId(uuid::Uuid::nil()), SecretsPlace::File).unwrap();
            assert_eq!(found.password.unwrap().expose(), password);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn secrets_that_are_gone_or_damaged_are_told_with_what_to_do_and_without_what_is_left_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let load = || Secrets::load(folder.path(), DeskId(uuid::Uuid::nil()), SecretsPlace::File).unwrap_err();
        assert_eq!(load().code, "secrets_unavailable");
        private::write(&folder.path().join(FILE), "{\"password\": \"hunter2\", \"key\":").unwrap();
        let damaged = load();
        assert!(damaged.hint.is_some() && !format!("{damaged:?}").contains("hunter2"));
    }

    #[test]
    fn a_keychain_that_does_not_answer_holds_nobody_up() {
        let started = std::time::Instant::now();
        let silent = || {
            std::thread::sleep(Duration::from_secs(10));
            Ok(())
        };
        let answer = Unanswered::new().answer(DeskId(uuid::Uuid::nil()), Duration::from_millis(50), silent);
        assert_eq!(answer, Err("it does not answer".into()));
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn what_a_keychain_answers_late_is_taken_by_whoever_asks_next_and_its_owner_is_not_asked_twice() {
        let (open, desk) = (Unanswered::new(), DeskId(uuid::Uuid::nil()));
        let (unlock, locked) = mpsc::channel();
        let first = open.answer(desk, Duration::from_millis(50), move || locked.recv().map_err(|e| e.to_string()));
        assert_eq!(first, Err("it does not answer".into()));
        let again = || -> Result<&str, String> { panic!("it was asked twice") };
        assert_eq!(open.answer(desk, Duration::from_millis(50), again), Err("it does not answer".into()));
        unlock.send("the secrets").unwrap();
        assert_eq!(open.answer(desk, Duration::from_secs(5), again), Ok("the secrets"));
        assert_eq!(open.answer(desk, Duration::from_secs(5), || Ok("asked anew")), Ok("asked anew"));
    }

    #[test]
    fn nothing_shows_a_secret() {
        let shown = format!("{:?}", secrets("hunter2"));
        assert!(!shown.contains("hunter2") && !shown.contains("abab"), "{shown}");
    }
}
