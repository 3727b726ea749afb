//! The values of identifiers and message ids: hashes under the seed, so that no id tells anything.

use kernel::{Key, id::base32};

use crate::names;
use crate::people::{People, Record, Source};

/// Where ids of one world come from.
pub(crate) struct Ids([u8; 32]);

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        let mut secret = [0; 32];
        secret[..8].copy_from_slice(&seed.to_le_bytes());
        Self(secret)
    }

    /// The opaque id of the thing of this kind with this number, `chars` ≤ 26 long.
    fn opaque(&self, kind: &str, no: u32, chars: usize) -> String {
        base32(&Key::of(&self.0, &[kind.as_bytes(), &no.to_le_bytes()]).0).split_off(26 - chars)
    }

    pub(crate) fn message(&self, no: u32) -> String {
        self.opaque("message", no, 26)
    }

    pub(crate) fn account(&self, person: u32) -> String {
        self.opaque("account", person, 12)
    }

    pub(crate) fn member_no(&self, person: u32) -> String {
        self.opaque("member", person, 12)
    }

    pub(crate) fn unionid(&self, person: u32) -> String {
        format!("o{}", self.opaque("unionid", person, 26))
    }

    /// The id a source gives its own profile: `pos_id`, `openid` or `call_id`.
    pub(crate) fn source_profile(&self, record: u32) -> String {
        self.opaque("profile", record, 14)
    }

    /// The cookie of a web profile.
    pub(crate) fn cookie(&self, record: u32) -> String {
        self.opaque("cookie", record, 24)
    }

    /// The device an app profile lives on.
    pub(crate) fn device(&self, record: u32) -> String {
        self.opaque("device", record, 24)
    }

    /// The cookie of a browser somebody logs in on later.
    pub(crate) fn browser(&self, no: u32) -> String {
        self.opaque("browser", no, 24)
    }

    /// A tablet in a shop. It looks like any other device.
    pub(crate) fn kiosk(&self, no: u32) -> String {
        self.opaque("kiosk", no, 24)
    }

    pub(crate) fn contract_no(&self, no: u32) -> String {
        self.opaque("contract", no, 12)
    }

    pub(crate) fn outlet(&self, no: u32) -> String {
        self.opaque("outlet", no, 12)
    }

    pub(crate) fn bank_customer(&self, no: u32) -> String {
        self.opaque("bank", no, 12)
    }

    pub(crate) fn car_customer(&self, no: u32) -> String {
        self.opaque("cars", no, 12)
    }

    pub(crate) fn car_order(&self, no: u32) -> String {
        self.opaque("car order", no, 14)
    }

    /// A message to a person's phone.
    pub(crate) fn sms(&self, no: u32) -> String {
        self.opaque("sms", no, 14)
    }

    pub(crate) fn order(&self, no: u32) -> String {
        self.opaque("order", no, 14)
    }

    pub(crate) fn email(&self, people: &People, person: u32) -> String {
        const HOSTS: [&str; 4] = ["example.com", "mail.example.com", "example.cn", "post.example.cn"];
        let tail = self.opaque("email", person, 9);
        let host = HOSTS[usize::from(tail.as_bytes()[0]) % HOSTS.len()];
        format!("{}.{}@{host}", people.persons[person as usize].name.spelling(), &tail[1..])
    }

    /// The identifier a source profile is found by: kind and normalised value.
    pub(crate) fn reference(&self, people: &People, no: u32) -> (&'static str, String) {
        let Record { person, source, has_account, .. } = people.records[no as usize];
        match source {
            Source::Pos => ("pos_id", self.source_profile(no)),
            Source::MiniProgram => ("openid", self.source_profile(no)),
            Source::CallCentre => ("call_id", self.source_profile(no)),
            Source::App | Source::Web if has_account => ("user_id", self.account(person)),
            Source::App | Source::Web => ("email", self.email(people, person)),
        }
    }
}

/// A mobile of the demo's range: 199-0000-0000 … 199-0009-9999.
pub(crate) fn mobile(no: u32) -> String {
    debug_assert!(no < names::MOBILES);
    format!("199000{no:05}")
}
