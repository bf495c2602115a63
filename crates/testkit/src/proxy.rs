//! A TCP proxy on loopback that breaks lines in the ways in which lines break.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use rustix::net::sockopt::set_socket_linger;

use crate::dice::Dice;

const TURN: Duration = Duration::from_millis(20);
/// How long a sender of TCP waits at least before it sends again; twice as long each further time.
const SENT_AGAIN: Duration = Duration::from_millis(200);
/// Times that one piece is lost, at most.
const LOST_AT_MOST: u32 = 4;
/// How a server of TLS refuses whoever does not speak it: a fatal alert, `handshake_failure`.
const ALERT: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 0x28];

/// How a line is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// Connections are reset, and so is everyone who connects.
    Reset,
    /// Connections stay and nothing goes through; new ones are taken.
    Blackhole,
    /// What clients send goes through, and no answer comes.
    OneWay,
    /// The far side says that it sends nothing more, and goes on to listen.
    HalfClose,
    /// A byte a second.
    Trickle,
    /// Everything comes 100 to 500 ms late.
    Delay,
    /// One piece in five is lost and sent again: seen from here, it and all behind it come late.
    Loss,
    /// Somebody else answers, who speaks TLS where nobody does.
    Stranger,
    /// The next piece of an answer is cut in two, and the connection reset behind its first half.
    InsideFrame,
}

impl Break {
    /// Every way.
    pub const ALL: [Self; 9] = [
        Self::Reset,
        Self::Blackhole,
        Self::OneWay,
        Self::HalfClose,
        Self::Trickle,
        Self::Delay,
        Self::Loss,
        Self::Stranger,
        Self::InsideFrame,
    ];

    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Blackhole => "blackhole",
            Self::OneWay => "one_way",
            Self::HalfClose => "half_close",
            Self::Trickle => "trickle",
            Self::Delay => "delay",
            Self::Loss => "loss",
            Self::Stranger => "stranger",
            Self::InsideFrame => "inside_frame",
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    broken: Mutex<Option<Break>>,
    stopped: AtomicBool,
    /// Connections that were taken.
    taken: AtomicU64,
    /// Bytes that went through.
    bytes: AtomicU64,
}

impl Shared {
    fn broken(&self) -> Option<Break> {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// A proxy in front of one address.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

/// A proxy whose address is known before that of what it stands in front of.
#[derive(Debug)]
pub struct Waiting(TcpListener, u16);

impl Waiting {
    /// On a free port.
    pub fn new() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        Ok(Self(listener, port))
    }

    /// Where clients connect.
    pub const fn port(&self) -> u16 {
        self.1
    }

    /// Passes everything on to a port of this machine.
    pub fn before(self, target: u16) -> std::io::Result<Proxy> {
        let Self(listener, port) = self;
        listener.set_nonblocking(true)?;
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        std::thread::Builder::new().name("proxy".into()).spawn(move || {
            while !own.stopped() {
                match listener.accept() {
                    Ok((client, _)) => take(&client, target, &own),
                    Err(_) => std::thread::sleep(TURN),
                }
            }
        })?;
        Ok(Proxy { port, shared })
    }
}

impl Proxy {
    /// Where clients connect.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Breaks the line, or mends it.
    pub fn set(&self, broken: Option<Break>) {
        *self.shared.broken.lock().unwrap_or_else(PoisonError::into_inner) = broken;
    }

    /// Connections that were taken, and bytes that went through.
    pub fn passed(&self) -> (u64, u64) {
        (self.shared.taken.load(Ordering::Relaxed), self.shared.bytes.load(Ordering::Relaxed))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
    }
}

/// The next close of this connection is a reset.
fn will_reset(stream: &TcpStream) {
    // One that is closed already has nothing to reset.
    let _ = set_socket_linger(stream, Some(Duration::ZERO));
}

fn take(client: &TcpStream, target: u16, shared: &Arc<Shared>) {
    let number = shared.taken.fetch_add(1, Ordering::Relaxed);
    match shared.broken() {
        Some(Break::Reset) => return will_reset(client),
        Some(Break::Stranger) => {
            let mut client = client;
            // Whoever has gone again does not want to know.
            drop(client.write_all(&ALERT));
            return;
        }
        _ => {}
    }
    // Whoever connects to a machine that is down is reset: nearest to being refused.
    let Ok(server) = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, target))) else {
        will_reset(client);
        return;
    };
    for (from, to, answers) in [(client, &server, false), (&server, client, true)] {
        let ready = from.set_nonblocking(false).and_then(|()| from.set_read_timeout(Some(TURN)));
        let (Ok(()), Ok(from), Ok(to)) = (ready, from.try_clone(), to.try_clone()) else { return };
        // A client that does not read is not to hold this thread for ever.
        drop(to.set_write_timeout(Some(Duration::from_secs(5))));
        drop(to.set_nodelay(true));
        let dice = Dice::new(number * 2 + u64::from(answers));
        let pump = Pump { from, to, answers, dice, shared: Arc::clone(shared) };
        drop(std::thread::Builder::new().name("pump".into()).spawn(move || pump.run()));
    }
}

/// One direction of one connection.
struct Pump {
    from: TcpStream,
    to: TcpStream,
    /// From the machine to its client.
    answers: bool,
    dice: Dice,
    shared: Arc<Shared>,
}

impl Pump {
    fn run(mut self) {
        let mut buffer = vec![0_u8; 64 * 1024];
        while self.turn(&mut buffer).is_some() {}
        // The other direction reads the end of it.
        drop(self.to.shutdown(Shutdown::Both));
        drop(self.from.shutdown(Shutdown::Both));
    }

    /// `None` once the connection is over.
    fn turn(&mut self, buffer: &mut [u8]) -> Option<()> {
        if self.shared.stopped() {
            return None;
        }
        let broken = self.shared.broken();
        match broken {
            Some(Break::Reset | Break::Stranger) => return self.reset(),
            Some(Break::Blackhole) => return self.wait(),
            Some(Break::OneWay) if self.answers => return self.wait(),
            Some(Break::HalfClose) if self.answers => {
                self.to.shutdown(Shutdown::Write).ok()?;
                return self.until_mended(Break::HalfClose);
            }
            _ => {}
        }
        let room = if broken == Some(Break::Trickle) { 1 } else { buffer.len() };
        let read = match self.from.read(buffer.get_mut(..room)?) {
            Ok(0) => return None,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Some(()),
            Err(_) => return None,
        };
        let piece = buffer.get(..read)?;
        match broken {
            Some(Break::Delay) => std::thread::sleep(Duration::from_millis(100 + self.dice.below(401))),
            Some(Break::Loss) => {
                let lost = (0..LOST_AT_MOST).take_while(|_| self.dice.chance(20, 100)).count();
                let waits = (0..lost).map(|time| SENT_AGAIN * (1 << time));
                std::thread::sleep(waits.sum());
            }
            Some(Break::Trickle) => self.second_of_trickle(),
            Some(Break::InsideFrame) if self.answers => {
                self.to.write_all(piece.get(..read / 2)?).ok()?;
                return self.reset();
            }
            _ => {}
        }
        self.to.write_all(piece).ok()?;
        self.shared.bytes.fetch_add(u64::try_from(read).unwrap_or(0), Ordering::Relaxed);
        Some(())
    }

    fn reset(&self) -> Option<()> {
        will_reset(&self.to);
        will_reset(&self.from);
        None
    }

    /// A second, or less where it is mended before.
    fn second_of_trickle(&self) {
        for _ in 0..50 {
            if self.shared.broken() != Some(Break::Trickle) {
                break;
            }
            std::thread::sleep(TURN);
        }
    }

    /// Nothing goes through for a moment.
    fn wait(&self) -> Option<()> {
        std::thread::sleep(TURN);
        (!self.shared.stopped()).then_some(())
    }

    /// Stays as it is until the line is mended, then ends.
    fn until_mended(&self, broken: Break) -> Option<()> {
        while self.shared.broken() == Some(broken) && !self.shared.stopped() {
            std::thread::sleep(TURN);
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]
mod tests {
    use super::*;

    /// Answers every byte with the next one.
    fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                std::thread::spawn(move || {
                    let mut bytes = [0_u8; 100];
                    while let Ok(read @ 1..) = stream.read(&mut bytes) {
                        if stream.write_all(&bytes[..read]).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        port
    }

    fn connected(proxy: &Proxy) -> TcpStream {
        let client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
        client
    }

    fn answer(client: &mut TcpStream) -> Result<Vec<u8>, ErrorKind> {
        client.write_all(b"hello, you").map_err(|error| error.kind())?;
        let mut bytes = [0_u8; 100];
        client.read(&mut bytes).map(|read| bytes[..read].to_vec()).map_err(|error| error.kind())
    }

    #[test]
    fn each_break_breaks_the_line_in_its_way_and_mended_it_works() {
        let silent = |kind| matches!(kind, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut));
        let target = echo();
        for broken in Break::ALL {
            let proxy = Waiting::new().unwrap().before(target).unwrap();
            let mut client = connected(&proxy);
            assert_eq!(answer(&mut client).unwrap(), b"hello, you");
            proxy.set(Some(broken));
            std::thread::sleep(TURN * 3);
            let found = answer(&mut client);
            let as_meant = match broken {
                Break::Reset | Break::Stranger => {
                    matches!(found, Err(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe))
                }
                // It depends on the piece.
                Break::Loss => silent(found.clone()) || found == Ok(b"hello, you".to_vec()),
                Break::Blackhole | Break::OneWay | Break::Trickle | Break::Delay => silent(found.clone()),
                Break::HalfClose => found == Ok(Vec::new()),
                Break::InsideFrame => found == Ok(b"hello".to_vec()),
            };
            assert!(as_meant, "{broken:?}: {found:?}");
            proxy.set(None);
            std::thread::sleep(Duration::from_millis(400));
            assert_eq!(answer(&mut connected(&proxy)).unwrap(), b"hello, you", "{broken:?}");
        }
    }

    #[test]
    fn of_what_goes_over_a_line_with_loss_some_comes_late_and_some_in_time() {
        let proxy = Waiting::new().unwrap().before(echo()).unwrap();
        let mut client = connected(&proxy);
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        proxy.set(Some(Break::Loss));
        std::thread::sleep(TURN * 3);
        let late = (0..30).filter(|_| {
            let begun = std::time::Instant::now();
            assert_eq!(answer(&mut client).unwrap(), b"hello, you");
            begun.elapsed() >= SENT_AGAIN
        });
        assert!((1..30).contains(&late.count()));
    }

    #[test]
    fn a_stranger_answers_whoever_connects_in_a_language_of_its_own() {
        let proxy = Waiting::new().unwrap().before(echo()).unwrap();
        proxy.set(Some(Break::Stranger));
        let mut bytes = Vec::new();
        connected(&proxy).read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, ALERT);
    }
}
