//! Many entries in one message: a server that fsyncs each message does so once for all of them.
//!
//! ```text
//! "HWL1" | crc of what follows: u32 | count: u32 | count × (received: i64, length: u32) | bodies
//! ```
//!
//! Numbers are little-endian. The checksum is ours because the server's storage may return a
//! damaged message without noticing.

use bytes::{BufMut, Bytes, BytesMut};
use kernel::Instant;

use crate::queue::Pending;

const MAGIC: &[u8; 4] = b"HWL1";
const HEAD_BYTES: usize = 12;
const ROW_BYTES: usize = 12;

/// The message for a batch.
pub(super) fn pack(batch: &[Pending]) -> Bytes {
    let bodies: usize = batch.iter().map(|p| p.body.len()).sum();
    let mut message = BytesMut::with_capacity(HEAD_BYTES + ROW_BYTES * batch.len() + bodies);
    message.put_slice(MAGIC);
    message.put_u32_le(0);
    message.put_u32_le(batch.len() as u32);
    for pending in batch {
        message.put_i64_le(pending.received.0);
        message.put_u32_le(pending.body.len() as u32);
    }
    for pending in batch {
        message.put_slice(&pending.body);
    }
    let sum = crc32fast::hash(&message[8..]);
    message[4..8].copy_from_slice(&sum.to_le_bytes());
    message.freeze()
}

/// The entries of a message, sharing its memory, or what is wrong with it.
pub(super) fn unpack(message: &Bytes) -> Result<Vec<(Instant, Bytes)>, &'static str> {
    let (head, rest) = message.split_at_checked(HEAD_BYTES).ok_or("the message is too short")?;
    if &head[..4] != MAGIC {
        return Err("the message is not one of this log");
    }
    if crc32fast::hash(&message[8..]) != u32_le(&head[4..8]) {
        return Err("the checksum does not match");
    }
    let count = u32_le(&head[8..12]) as usize;
    let rows_bytes = count.checked_mul(ROW_BYTES).ok_or("the message is too short")?;
    let (rows, bodies) = rest.split_at_checked(rows_bytes).ok_or("the message is too short")?;
    let mut start = message.len() - bodies.len();
    let mut entries = Vec::with_capacity(count);
    for row in rows.chunks_exact(ROW_BYTES) {
        let received = i64::from_le_bytes(row[..8].try_into().expect("a row has 12 bytes"));
        let end = start + u32_le(&row[8..]) as usize;
        if end > message.len() {
            return Err("the message is too short");
        }
        entries.push((Instant(received), message.slice(start..end)));
        start = end;
    }
    Ok(entries)
}

fn u32_le(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().expect("four bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Queue;

    fn packed(bodies: &[&'static [u8]]) -> Bytes {
        let (queue, mut batches) = Queue::new(usize::MAX);
        for (i, body) in bodies.iter().enumerate() {
            drop(queue.push(Instant(i as i64 - 1), Bytes::from_static(body)).unwrap());
        }
        pack(&batches.next_blocking(usize::MAX).unwrap())
    }

    #[test]
    fn a_message_returns_the_entries_it_was_packed_from() {
        let bodies: [&[u8]; 3] = [b"one", b"", "\u{738b}".as_bytes()];
        let entries = unpack(&packed(&bodies)).unwrap();
        for (i, (entry, body)) in entries.iter().zip(bodies).enumerate() {
            assert_eq!((entry.0.0, &entry.1[..]), (i as i64 - 1, body));
        }
        assert_eq!(entries.len(), 3);
    }

    #[test]
    fn no_flipped_bit_and_no_truncation_goes_unnoticed() {
        let message = packed(&[b"one", b"two"]);
        for bit in 0..message.len() * 8 {
            let mut damaged = message.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(unpack(&Bytes::from(damaged)).is_err(), "bit {bit}");
        }
        for length in 0..message.len() {
            assert!(unpack(&message.slice(..length)).is_err(), "length {length}");
        }
    }
}
