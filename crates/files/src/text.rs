//! Bytes of a text file as UTF-8, whatever they were: gzip or not, and which encoding.
//!
//! Decided once from the head of the file. UTF-8 is passed on unchecked (a bad byte later costs
//! only its row); anything else is transcoded as it streams.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, GB18030, UTF_8};
use flate2::read::MultiGzDecoder;

/// How much of the file decides its encoding and delimiter.
const HEAD_BYTES: usize = 256 << 10;

/// A text file ready to be read.
pub(super) struct Text {
    pub(super) reader: Box<dyn BufRead + Send>,
    pub(super) encoding: &'static Encoding,
    /// The beginning, decoded.
    pub(super) head: String,
    /// Whether `head` is the whole file.
    pub(super) is_short: bool,
}

/// True if the file begins like gzip.
pub(super) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b])
}

/// Opens `file`, which stands at its start.
pub(super) fn open(file: File) -> io::Result<Text> {
    let mut file = BufReader::with_capacity(64 << 10, file);
    if is_gzip(file.fill_buf()?) {
        return of_plain(MultiGzDecoder::new(file));
    }
    of_plain(file)
}

fn of_plain(mut plain: impl Read + Send + 'static) -> io::Result<Text> {
    let mut head = Vec::new();
    plain.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    let is_short = head.len() < HEAD_BYTES;
    let (encoding, bom) = Encoding::for_bom(&head).unwrap_or_else(|| (guess(&head), 0));
    head.drain(..bom);
    let decoded = encoding.decode_without_bom_handling(&head).0.into_owned();
    let whole = Cursor::new(head).chain(plain);
    let reader: Box<dyn BufRead + Send> = if encoding == UTF_8 {
        Box::new(BufReader::with_capacity(64 << 10, whole))
    } else {
        let decoder = encoding.new_decoder_without_bom_handling();
        Box::new(BufReader::with_capacity(64 << 10, Transcoded::new(whole, decoder)))
    };
    Ok(Text { reader, encoding, head: decoded, is_short })
}

/// UTF-8 if the head is; also if only a few of its wide characters are broken, because a few
/// damaged rows must not turn all the others into other words. Else GB18030, which contains GBK.
fn guess(head: &[u8]) -> &'static Encoding {
    let (mut wide, mut broken) = (0usize, 0usize);
    for chunk in head.utf8_chunks() {
        wide += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    // A character cut by the end of the head counts as one broken.
    if broken <= 1 + wide / 20 && (broken == 0 || wide > 0) { UTF_8 } else { GB18030 }
}

struct Transcoded<R> {
    inner: R,
    decoder: Decoder,
    raw: Box<[u8]>,
    text: Vec<u8>,
    start: usize,
    is_over: bool,
}

impl<R: Read> Transcoded<R> {
    fn new(inner: R, decoder: Decoder) -> Self {
        let raw = vec![0; 16 << 10].into_boxed_slice();
        Self { inner, decoder, raw, text: Vec::new(), start: 0, is_over: false }
    }

    fn refill(&mut self) -> io::Result<()> {
        let length = self.inner.read(&mut self.raw)?;
        self.is_over = length == 0;
        let room = self.decoder.max_utf8_buffer_length(length).unwrap_or(64 << 10);
        self.text.resize(room, 0);
        let raw = &self.raw[..length];
        let (result, _, written, _) = self.decoder.decode_to_utf8(raw, &mut self.text, self.is_over);
        debug_assert_eq!(result, CoderResult::InputEmpty, "the buffer was sized for the worst case");
        self.text.truncate(written);
        self.start = 0;
        Ok(())
    }
}

impl<R: Read> Read for Transcoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.start == self.text.len() {
            if self.is_over {
                return Ok(0);
            }
            self.refill()?;
        }
        let length = out.len().min(self.text.len() - self.start);
        out[..length].copy_from_slice(&self.text[self.start..self.start + length]);
        self.start += length;
        Ok(length)
    }
}
