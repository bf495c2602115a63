//! Signing in and out, who works at this desk, and what their role lets them do.

use std::time::Duration;

use aisle_domain::{Right, Role, staff};
use aisle_mirror::{Member, MemberEdit, staff as people};

use crate::{
    desk::Desk,
    error::AppError,
    events::Event,
    pins::{self, Pin, Tried},
    signing::{FREE_TRIES, Presence, wait_after},
    views::{LockedView, MemberView, Person, StaffView},
};

/// A manager who approves at a desk where somebody else is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagerPin {
    /// Who.
    pub staff_id: i64,
    /// Their PIN.
    pub pin: Pin,
}

fn number(text: &str) -> Result<i64, AppError> {
    text.parse()
        .map_err(|_| AppError::Input { code: "bad_id", message: format!("\"{text}\" is no person's number") })
}

impl ManagerPin {
    pub(crate) fn of(given: Option<(String, Pin)>) -> Result<Option<Self>, AppError> {
        given.map(|(staff_id, pin)| Ok(Self { staff_id: number(&staff_id)?, pin })).transpose()
    }
}

impl Desk {
    /// Who is signed in.
    ///
    /// # Errors
    /// [`AppError::Locked`] while nobody is, also when somebody who was does not work here any more.
    pub(crate) fn signed_in(&self) -> Result<Member, AppError> {
        match self.signing.presence() {
            Presence::Locked { .. } => Err(AppError::Locked),
            Presence::Here { staff_id, .. } => {
                self.mirror.read(|conn| people::load(conn, staff_id))?.ok_or(AppError::Locked)
            }
        }
    }

    /// The name of whoever is signed in.
    pub(crate) fn person(&self) -> Result<String, AppError> {
        Ok(self.signed_in()?.name)
    }

    /// Who is signed in, where they may do this.
    pub(crate) fn require(&self, right: Right) -> Result<Member, AppError> {
        let member = self.signed_in()?;
        member.role.require(right)?;
        Ok(member)
    }

    fn member(&self, staff_id: i64) -> Result<Member, AppError> {
        self.mirror
            .read(|conn| people::load(conn, staff_id))?
            .ok_or_else(|| AppError::NotFound(format!("person {staff_id} at this desk")))
    }

    /// For the session: the person, or since when nobody is here.
    pub(crate) fn presence_view(&self) -> (Option<Person>, Option<LockedView>) {
        let locked = |by, at: aisle_domain::Timestamp| (None, Some(LockedView { by, at: at.to_string() }));
        match (self.signing.presence(), self.signed_in()) {
            (_, Ok(member)) => {
                let rights = Right::ALL.into_iter().filter(|right| member.role.may(*right)).map(Right::word);
                let person = Person {
                    staff_id: member.staff_id.to_string(),
                    has_pin: member.pin.is_some(),
                    role: member.role.into(),
                    rights: rights.collect(),
                    name: member.name,
                };
                (Some(person), None)
            }
            (Presence::Locked { by, at }, Err(_)) => locked(by, at),
            (Presence::Here { .. }, Err(_)) => locked(None, self.now()),
        }
    }

    /// Everybody who works here.
    pub fn staff(&self) -> Result<StaffView, AppError> {
        let clocks = (self.clock.monotonic(), self.now());
        let members = self.mirror.read(people::list)?;
        let view = |member: Member| {
            let waits = self.signing.left_to_wait(&member, clocks);
            MemberView {
                staff_id: member.staff_id.to_string(),
                has_pin: member.pin.is_some(),
                role: member.role.into(),
                last_here: member.last_here.map(|at| at.to_string()),
                waits_s: (!waits.is_zero())
                    .then(|| waits.as_millis().div_ceil(1000).try_into().unwrap_or(i64::MAX)),
                name: member.name,
            }
        };
        Ok(StaffView { people: members.into_iter().map(view).collect() })
    }

    /// Signs somebody in at the screen.
    ///
    /// # Errors
    /// [`AppError::WrongPin`] and [`AppError::PinWait`]; nobody is signed in by them, and nobody out.
    pub fn sign_in(&self, staff_id: &str, pin: Option<&Pin>) -> Result<(), AppError> {
        let member = self.member(number(staff_id)?)?;
        self.check(&member, pin)?;
        self.mirror.signed_in(&member, self.now())?;
        self.signing.set(Presence::Here { staff_id: member.staff_id, proven: false }, self.clock.monotonic());
        self.tell_session();
        Ok(())
    }

    /// Lets somebody do one command of the terminal: who they are stands in its flags.
    pub fn sign_in_as(&self, name: &str, pin: Option<&Pin>) -> Result<(), AppError> {
        let member = self
            .mirror
            .read(|conn| people::by_name(conn, name.trim()))?
            .ok_or_else(|| AppError::NotFound(format!("person \"{name}\" at this desk")))?;
        self.check(&member, pin)?;
        self.signing.set(Presence::Here { staff_id: member.staff_id, proven: true }, self.clock.monotonic());
        Ok(())
    }

    /// Whether this is their PIN. Who has none needs none.
    fn check(&self, member: &Member, pin: Option<&Pin>) -> Result<(), AppError> {
        let Some(kept) = &member.pin else { return Ok(()) };
        let pin = pin.ok_or_else(|| AppError::NeedsPin { name: member.name.clone() })?;
        let _alone = self.signing.alone();
        let left = self.signing.left_to_wait(member, (self.clock.monotonic(), self.now()));
        if !left.is_zero() {
            return Err(AppError::PinWait { name: member.name.clone(), seconds: left.as_millis().div_ceil(1000) });
        }
        let wrong = self.mirror.count_pin(member.staff_id, self.now())?;
        match pins::try_pin(self.mirror.dir(), pin, kept)? {
            Tried::Right => {
                self.mirror.pin_was_right(member.staff_id)?;
                self.signing.was_right(member.staff_id);
                Ok(())
            }
            Tried::Wrong => {
                self.signing.was_wrong(member.staff_id, wrong, self.clock.monotonic());
                Err(AppError::WrongPin {
                    name: member.name.clone(),
                    left: FREE_TRIES.saturating_sub(wrong),
                    wait_s: wait_after(wrong).as_secs(),
                })
            }
            Tried::Untold => {
                self.mirror.pin_was_right(member.staff_id)?;
                Err(AppError::PinUntold { name: member.name.clone() })
            }
        }
    }

    /// Leaves the desk: held decisions go, and nobody does anything until somebody signs in.
    ///
    /// # Errors
    /// [`AppError::NeedsPin`] where whoever is here has none: it would lock nobody out.
    pub fn lock(&self) -> Result<(), AppError> {
        let member = self.signed_in()?;
        if member.pin.is_none() {
            return Err(AppError::NeedsPin { name: member.name });
        }
        self.leave(Some(&member))
    }

    fn leave(&self, by: Option<&Member>) -> Result<(), AppError> {
        self.release(None)?;
        self.mirror.locked(by, self.now())?;
        let by = by.map(|member| member.name.clone());
        self.signing.set(Presence::Locked { by, at: self.now() }, self.clock.monotonic());
        self.tell_session();
        Ok(())
    }

    /// Somebody is there and touches the desk.
    pub fn is_active(&self) {
        self.signing.is_active(self.clock.monotonic());
    }

    /// Locks the desk once nobody has touched it for as long as its settings say.
    pub(crate) fn lock_when_idle(&self, after: Duration) -> Result<(), AppError> {
        if after.is_zero() || self.signing.idle_for(self.clock.monotonic()) < after {
            return Ok(());
        }
        match self.signed_in() {
            Ok(member) if member.pin.is_some() => self.leave(None),
            _ => Ok(()),
        }
    }

    pub(crate) fn tell_session(&self) {
        self.hub.emit(&Event::Session { session: Box::new(self.session()) });
    }

    /// Who approves above the range: whoever is signed in, or a manager who gives their PIN for this one payment.
    pub(crate) fn overriding(&self, manager: Option<&ManagerPin>) -> Result<String, AppError> {
        let here = self.signed_in()?;
        let Some(given) = manager else {
            here.role.require(Right::Override)?;
            let is_proven = matches!(self.signing.presence(), Presence::Here { proven: true, .. });
            return if here.pin.is_none() || is_proven {
                Ok(here.name)
            } else {
                Err(AppError::NeedsPin { name: here.name })
            };
        };
        let member = self.member(given.staff_id)?;
        member.role.require(Right::Override)?;
        self.check(&member, Some(&given.pin))?;
        Ok(member.name)
    }

    fn edit_staff(&self, edit: MemberEdit<'_>) -> Result<StaffView, AppError> {
        let by = self.person()?;
        self.mirror.write(|tx| people::edit(tx, edit, &by, self.now()))?;
        self.tell_session();
        self.staff()
    }

    fn free_name(&self, text: &str, of: Option<i64>) -> Result<String, AppError> {
        let name = staff::name(text).map_err(|bad| AppError::input("bad_name", bad))?;
        if self.mirror.read(|conn| people::is_taken(conn, &name, of))? {
            return Err(AppError::NameTaken { name });
        }
        Ok(name)
    }

    /// Somebody new. From the second person on everybody has a PIN: who adds them needs one before.
    pub fn add_member(&self, name: &str, role: Role, pin: &Pin) -> Result<StaffView, AppError> {
        self.require(Right::Staff)?;
        let name = self.free_name(name, None)?;
        if let Some(open) = self.mirror.read(people::list)?.into_iter().find(|member| member.pin.is_none()) {
            return Err(AppError::NeedsPin { name: open.name });
        }
        let hash = pins::hash(self.mirror.dir(), pin)?;
        self.edit_staff(MemberEdit::Add { name: &name, role, pin: Some(&hash) })
    }

    /// Sets a PIN: one's own with the one before, or anybody's as a manager.
    pub fn set_pin(&self, staff_id: &str, pin: &Pin, before: Option<&Pin>) -> Result<StaffView, AppError> {
        let (here, member) = (self.signed_in()?, self.member(number(staff_id)?)?);
        if here.staff_id == member.staff_id {
            let is_proven = matches!(self.signing.presence(), Presence::Here { proven: true, .. });
            if !is_proven {
                self.check(&member, before)?;
            }
        } else {
            here.role.require(Right::Staff)?;
        }
        let hash = pins::hash(self.mirror.dir(), pin)?;
        self.signing.was_right(member.staff_id);
        self.edit_staff(MemberEdit::SetPin(member.staff_id, &hash))
    }

    /// Sets the PIN of a manager whom nobody else can let in: for whoever has the data folder itself, at the terminal.
    pub fn recover(&self, name: &str, pin: &Pin) -> Result<StaffView, AppError> {
        let member = self
            .mirror
            .read(|conn| people::by_name(conn, name.trim()))?
            .ok_or_else(|| AppError::NotFound(format!("person \"{name}\" at this desk")))?;
        member.role.require(Right::Staff)?;
        let hash = pins::hash(self.mirror.dir(), pin)?;
        let by = "the terminal";
        self.mirror.write(|tx| people::edit(tx, MemberEdit::SetPin(member.staff_id, &hash), by, self.now()))?;
        self.signing.was_right(member.staff_id);
        self.staff()
    }

    /// Gives somebody another name.
    pub fn rename_member(&self, staff_id: &str, name: &str) -> Result<StaffView, AppError> {
        let here = self.signed_in()?;
        let member = self.member(number(staff_id)?)?;
        if here.staff_id != member.staff_id || here.pin.is_some() {
            here.role.require(Right::Staff)?;
        }
        let name = self.free_name(name, Some(member.staff_id))?;
        self.edit_staff(MemberEdit::Rename(member.staff_id, &name))
    }

    /// Gives somebody another role.
    pub fn set_role(&self, staff_id: &str, role: Role) -> Result<StaffView, AppError> {
        self.require(Right::Staff)?;
        let member = self.member(number(staff_id)?)?;
        if role != Role::Manager {
            self.leaves_a_manager(&member)?;
        }
        self.edit_staff(MemberEdit::SetRole(member.staff_id, role))
    }

    /// Takes somebody off the list. What they did stays theirs.
    pub fn disable_member(&self, staff_id: &str) -> Result<StaffView, AppError> {
        self.require(Right::Staff)?;
        let member = self.member(number(staff_id)?)?;
        self.leaves_a_manager(&member)?;
        self.edit_staff(MemberEdit::Disable(member.staff_id))
    }

    fn leaves_a_manager(&self, member: &Member) -> Result<(), AppError> {
        let stays = member.role != Role::Manager
            || self.mirror.read(|conn| people::has_other_manager(conn, member.staff_id))?;
        if stays { Ok(()) } else { Err(AppError::LastManager { name: member.name.clone() }) }
    }
}
