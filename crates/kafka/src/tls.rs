//! Whether the other end of a line without TLS wants TLS: its client only sees that the connection is closed.

use std::{
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

const CONNECTING: Duration = Duration::from_millis(500);
const ANSWERING: Duration = Duration::from_secs(1);

/// The shortest greeting of TLS 1.2, before and behind the client's random number: whoever speaks TLS answers it, with
/// a greeting or with an alert.
const GREETING: [u8; 11] = [0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3];
const RANDOM: [u8; 32] = [0; 32];
/// No session, one cipher, no compression.
const CHOICES: [u8; 7] = [0, 0, 2, 0xc0, 0x2f, 1, 0];

/// Whether one of these addresses speaks TLS.
pub(crate) fn is_spoken_at(brokers: &str) -> bool {
    brokers.split(',').map(str::trim).any(|address| answers(address).unwrap_or(false))
}

fn answers(address: &str) -> std::io::Result<bool> {
    let Some(to) = address.to_socket_addrs()?.next() else { return Ok(false) };
    let mut stream = TcpStream::connect_timeout(&to, CONNECTING)?;
    stream.set_read_timeout(Some(ANSWERING))?;
    stream.set_write_timeout(Some(ANSWERING))?;
    stream.write_all(&[&GREETING[..], &RANDOM, &CHOICES].concat())?;
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    // A handshake or an alert, of any version.
    Ok(matches!(head, [0x15 | 0x16, 3]))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Somebody who reads a little, answers this, and hangs up.
    fn listener(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 50]).unwrap();
            stream.write_all(answer).unwrap();
        });
        address
    }

    #[test]
    fn tls_is_told_from_whatever_else_answers_or_does_not() {
        assert!(is_spoken_at(&listener(&[0x15, 3, 3, 0, 2, 2, 40])), "an alert");
        assert!(is_spoken_at(&listener(&[0x16, 3, 3, 0, 60])), "a greeting");
        assert!(!is_spoken_at(&listener(b"HTTP/1.1 400 Bad Request")));
        assert!(!is_spoken_at(&listener(b"")));
        assert!(!is_spoken_at("127.0.0.1:1"), "nobody");
        assert!(!is_spoken_at("no address"));
    }
}
