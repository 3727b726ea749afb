//! Secrets of destinations: files name them, and never hold one.
//!
//! `${NAME}` is the secret that is kept under this name, or, if none is, what the environment of whoever
//! applies has there, which is then kept under it. So a file means the same in every workspace. The id of a
//! secret (`sec_…`) names it as well, in one workspace.

use std::collections::BTreeMap;

use activation::rules::definition::Definition;
use serde_json::{Value, json};

use crate::Server;
use crate::kinds::{World, placeholder, resolved, text};

/// The names of the secrets there are, by id.
///
/// # Errors
/// The server refuses, or cannot be reached.
pub(crate) async fn names(api: &dyn Server) -> anyhow::Result<BTreeMap<String, String>> {
    let all = api.every(&["destination-secrets"]).await?;
    Ok(all.iter().map(|secret| (text(&secret["id"]), text(&secret["name"]))).collect())
}

/// A definition with its secret named as an environment names it, if it has such a name and no other does.
pub(crate) fn named(definition: &Value, secrets: &BTreeMap<String, String>) -> Value {
    let mut body = definition.clone();
    let name = body["target"]["secret"].as_str().and_then(|id| secrets.get(id));
    if let Some(name) = name.filter(|name| is_plain(name) && by_name(secrets, name).len() == 1) {
        body["target"]["secret"] = format!("${{{name}}}").into();
    }
    body
}

/// The definition with everything said that may be left out; what cannot be read stays as it is.
pub(crate) fn normal(body: &Value, world: &World) -> Value {
    let read: Option<Definition> = serde_json::from_value(body.clone()).ok();
    let whole = read.and_then(|read| serde_json::to_value(read).ok()).unwrap_or_else(|| body.clone());
    named(&whole, &world.secrets)
}

/// Puts the secret's id for its name; keeps what the environment has if there is none of that name. Says
/// what people must know of it.
///
/// # Errors
/// The environment lacks it, several have the name, or the server refuses.
pub(crate) async fn kept(api: &dyn Server, body: &Value) -> anyhow::Result<(Value, Option<String>)> {
    let mut body = body.clone();
    let Some(name) = placeholder(&body["target"]["secret"]) else { return Ok((body, None)) };
    let secrets = names(api).await?;
    let (id, note) = match by_name(&secrets, name)[..] {
        [] => {
            let value = resolved(&body["target"]["secret"])?;
            let made = api.post(&["destination-secrets"], &json!({ "name": name, "value": value })).await?;
            (text(&made["id"]), Some(format!("the secret `{name}` is kept from now on")))
        }
        [id] => (id.to_owned(), None),
        _ => anyhow::bail!("several secrets are called `{name}`; name one by its id"),
    };
    body["target"]["secret"] = id.into();
    Ok((body, note))
}

fn by_name<'a>(secrets: &'a BTreeMap<String, String>, name: &str) -> Vec<&'a str> {
    secrets.iter().filter(|(_, known)| *known == name).map(|(id, _)| id.as_str()).collect()
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_told_by_its_name_where_that_is_one() {
        let secrets: BTreeMap<String, String> =
            [("sec_1", "CRM_KEY"), ("sec_2", "twice"), ("sec_3", "twice"), ("sec_4", "with space")]
                .map(|(id, name)| (id.to_owned(), name.to_owned()))
                .into();
        let told =
            |id: &str| named(&json!({ "target": { "secret": id } }), &secrets)["target"]["secret"].clone();
        assert_eq!(["sec_1", "sec_2", "sec_4", "sec_9"].map(told), ["${CRM_KEY}", "sec_2", "sec_4", "sec_9"]);
        assert_eq!(
            named(&json!({ "target": { "kind": "folder" } }), &secrets),
            json!({ "target": { "kind": "folder" } })
        );
    }
}
