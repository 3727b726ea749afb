//! HTTP over one kept connection, as little of it as the drills need.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any answer may take. A server that is killed closes its connections at once.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Client {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) has_retry_after: bool,
    pub(super) body: Vec<u8>,
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream), address })
    }

    pub(super) fn post(&mut self, path: &str, body: &[u8]) -> io::Result<Answer> {
        let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        self.send("POST", path, &head, body)
    }

    pub(super) fn get(&mut self, path: &str, token: &str) -> io::Result<Answer> {
        self.send("GET", path, &format!("Authorization: Bearer {token}\r\n"), b"")
    }

    /// The same with a token.
    pub(super) fn post_as(&mut self, token: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        let head = format!(
            "Content-Type: application/json\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n",
            body.len()
        );
        self.send("POST", path, &head, body)
    }

    fn send(&mut self, method: &str, path: &str, head: &str, body: &[u8]) -> io::Result<Answer> {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n{head}\r\n", self.address);
        let request = [head.as_bytes(), body].concat();
        self.stream.get_mut().write_all(&request)?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<Answer> {
        let first = self.line()?;
        let status =
            first.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        let (mut length, mut has_retry_after) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(':') {
                None => break,
                Some(("content-length", value)) => length = value.trim().parse().unwrap(),
                Some(("retry-after", value)) => has_retry_after = value.trim().parse::<u32>().is_ok(),
                Some(("transfer-encoding", _)) => panic!("answers of the server have a length"),
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { status, has_retry_after, body })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}
