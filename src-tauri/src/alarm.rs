//! The alarm: it rings until nothing is unheard. It is here and not on the page, since a hidden page is slowed down.

use std::{
    collections::BTreeMap,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    time::Duration,
};

use aisle_app::{AlarmKind, Event};
use rodio::{DeviceSinkBuilder, MixerDeviceSink, Source, source::SineWave};

/// From one ring to the next.
const PAUSE: Duration = Duration::from_secs(4);
const TONE: Duration = Duration::from_millis(180);
/// After how many rings without sound a device is looked for again: looking is slow and loud in the log.
const LOOK_AGAIN: u32 = 15;
/// Of the settings, where they cannot be read.
const VOLUME: u64 = 80;

/// Rings for whoever hears it. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Alarm(Sender<Heard>);

/// What an event means for the alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    Ring(String, AlarmKind),
    Seen(String),
    Unheard(i64),
    Test,
}

impl Heard {
    fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Alarm { kind, order_id, ringing: true } => Some(Self::Ring(order_id.clone(), *kind)),
            Event::Alarm { order_id, ringing: false, .. } => Some(Self::Seen(order_id.clone())),
            Event::Status { status } => Some(Self::Unheard(status.waiting.unheard)),
            Event::AlarmTest => Some(Self::Test),
            _ => None,
        }
    }
}

/// What rings, by order.
#[derive(Debug, Default)]
struct Ringing {
    orders: BTreeMap<String, AlarmKind>,
    unheard: i64,
}

impl Ringing {
    /// Takes in what was heard; true if it must be heard at once.
    fn take(&mut self, heard: Heard) -> bool {
        let before = self.kind();
        match heard {
            Heard::Ring(order, kind) => {
                self.orders.insert(order, kind);
                self.unheard = self.unheard.max(1);
            }
            Heard::Seen(order) => {
                self.orders.remove(&order);
            }
            Heard::Unheard(count) => self.unheard = count,
            Heard::Test => {}
        }
        // The count and not the single alarm ends it: an order that another desk took is unheard no more.
        if self.unheard == 0 {
            self.orders.clear();
        }
        let after = self.kind();
        after.is_some() && after != before
    }

    /// Picking that must stop outranks a late order, and that a new one.
    fn kind(&self) -> Option<AlarmKind> {
        let some = |kind| self.orders.values().any(|of| *of == kind).then_some(kind);
        let known = some(AlarmKind::Cancelled).or_else(|| some(AlarmKind::Late));
        known.or((self.unheard > 0).then_some(AlarmKind::New))
    }
}

impl Alarm {
    /// Starts the alarm's thread; `volume` answers 0 to 100 at each ring, `told` hears whether there was a device to ring with.
    pub(crate) fn start(
        volume: impl Fn() -> Option<u64> + Send + 'static,
        told: impl Fn(bool) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        std::thread::Builder::new().name("alarm".into()).spawn(move || ring(&receiver, &volume, &told))?;
        Ok(Self(sender))
    }

    /// Takes in an event of the desk.
    pub(crate) fn hear(&self, event: &Event) {
        if let Some(heard) = Heard::of(event) {
            // The thread ends with the program only.
            let _ = self.0.send(heard);
        }
    }
}

fn ring(heard: &Receiver<Heard>, volume: &dyn Fn() -> Option<u64>, told: &dyn Fn(bool)) {
    let mut ringing = Ringing::default();
    let mut speaker = Speaker::default();
    // What was tried is heard to its end.
    let mut lingers = false;
    loop {
        let next = if lingers || ringing.kind().is_some() {
            heard.recv_timeout(PAUSE)
        } else {
            speaker.rest();
            heard.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        lingers = false;
        let now = match next {
            Ok(Heard::Test) => {
                lingers = true;
                // A device that was plugged in to be tried is looked for at once.
                speaker.silent = 0;
                told(speaker.play(AlarmKind::New, volume().unwrap_or(VOLUME)));
                false
            }
            Ok(heard) => ringing.take(heard),
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if let (true, Some(kind)) = (now, ringing.kind()) {
            told(speaker.play(kind, volume().unwrap_or(VOLUME)));
        }
    }
}

/// The tones of a kind, in hertz: rising for what comes in, falling for what must stop.
fn tones(kind: AlarmKind) -> &'static [f32] {
    match kind {
        AlarmKind::New => &[659.3, 880.0],
        AlarmKind::Late => &[880.0, 880.0, 880.0],
        AlarmKind::Cancelled => &[880.0, 659.3, 440.0],
    }
}

/// The computer's sound, opened when it is needed: a device may be plugged in at any time.
#[derive(Default)]
struct Speaker {
    device: Option<MixerDeviceSink>,
    /// Rings that nobody heard since the last device.
    silent: u32,
}

impl Speaker {
    #[allow(clippy::float_arithmetic, reason = "loudness, not money")]
    /// Plays a kind once; whether there is a device for it.
    fn play(&mut self, kind: AlarmKind, volume: u64) -> bool {
        let Some(device) = self.device() else { return false };
        let loudness = f32::from(u8::try_from(volume.min(100)).unwrap_or(100)) * 0.01;
        let mut after = Duration::ZERO;
        for hertz in tones(kind) {
            let tone = SineWave::new(*hertz).take_duration(TONE).amplify(loudness).delay(after);
            device.mixer().add(tone);
            after += TONE + Duration::from_millis(40);
        }
        true
    }

    fn device(&mut self) -> Option<&MixerDeviceSink> {
        if self.device.is_none() && self.silent.is_multiple_of(LOOK_AGAIN) {
            match DeviceSinkBuilder::open_default_sink() {
                Ok(mut device) => {
                    device.log_on_drop(false);
                    self.device = Some(device);
                }
                Err(error) if self.silent == 0 => {
                    tracing::warn!(%error, "this computer has no sound: alarms are only shown");
                }
                Err(_) => {}
            }
        }
        self.silent = if self.device.is_some() { 0 } else { self.silent.wrapping_add(1) };
        self.device.as_ref()
    }

    /// Lets go of the device while nothing rings.
    fn rest(&mut self) {
        self.device = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(order: &str, kind: AlarmKind) -> Heard {
        Heard::Ring(order.into(), kind)
    }

    #[test]
    fn an_order_rings_until_nothing_is_unheard() {
        let mut ringing = Ringing::default();
        assert!(ringing.take(ring("1", AlarmKind::New)));
        assert!(!ringing.take(ring("2", AlarmKind::New)), "a second order does not cut the first ring short");
        assert!(!ringing.take(Heard::Unheard(2)));
        assert_eq!(ringing.kind(), Some(AlarmKind::New));
        assert!(!ringing.take(Heard::Unheard(0)), "another desk took both");
        assert_eq!(ringing.kind(), None);
    }

    #[test]
    fn picking_that_must_stop_outranks_a_new_order_until_it_was_seen() {
        let mut ringing = Ringing::default();
        ringing.take(ring("1", AlarmKind::New));
        assert!(ringing.take(ring("2", AlarmKind::Cancelled)));
        ringing.take(ring("3", AlarmKind::New));
        assert_eq!(ringing.kind(), Some(AlarmKind::Cancelled));
        ringing.take(Heard::Seen("2".into()));
        ringing.take(Heard::Unheard(2));
        assert_eq!(ringing.kind(), Some(AlarmKind::New));
    }

    #[test]
    fn what_was_unheard_when_the_desk_was_closed_rings_again() {
        let mut ringing = Ringing::default();
        assert!(ringing.take(Heard::Unheard(1)));
        assert_eq!(ringing.kind(), Some(AlarmKind::New));
    }

    #[test]
    fn every_kind_sounds_different() {
        let all = [AlarmKind::New, AlarmKind::Late, AlarmKind::Cancelled].map(tones);
        assert!(all.iter().enumerate().all(|(i, tones)| all.iter().skip(i + 1).all(|other| other != tones)));
    }
}
