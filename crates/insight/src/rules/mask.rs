//! Which fields are personal, and how they are shown to those who may not see them.

use identity::rules::mask::mask;
use serde_json::Value;

/// Fields that identify or describe one person, in the names SDKs and imports use.
const PERSONAL: [&str; 30] = [
    "name",
    "full_name",
    "姓名",
    "nickname",
    "firstname",
    "first_name",
    "lastname",
    "last_name",
    "email",
    "phone",
    "phone_no",
    "mobile",
    "landline",
    "address",
    "street",
    "birthday",
    "id_card",
    "id_number",
    "username",
    "wechat",
    "wechat_id",
    "qq",
    "avatar",
    "ip",
    "receiver_name",
    "receiver_phone",
    "ship_to",
    "手机",
    "手机号",
    "地址",
];

/// Whether a field is personal. 神策's own fields carry a `$`.
pub fn is_personal(field: &str) -> bool {
    let field = field.trim_start_matches('$').to_lowercase();
    PERSONAL.contains(&field.as_str())
}

/// A field's value as it is shown: personal ones masked.
pub fn mask_trait(field: &str, value: Value) -> Value {
    if is_personal(field) { hide(value) } else { mask_tree(value) }
}

/// Masks every personal field of a tree.
pub fn mask_tree(value: Value) -> Value {
    match value {
        Value::Object(map) => map.into_iter().map(|(k, v)| (k.clone(), mask_trait(&k, v))).collect(),
        Value::Array(items) => items.into_iter().map(mask_tree).collect(),
        scalar => scalar,
    }
}

fn hide(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(mask(&text)),
        Value::Null => Value::Null,
        Value::Number(number) => Value::String(mask(&number.to_string())),
        _ => Value::String("***".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn personal_fields_are_masked_at_any_depth_and_others_are_not() {
        let value =
            json!({"plan":"gold","email":"wang@example.com","order":{"receiver_name":"王小明","total":9.5}});
        let masked =
            json!({"plan":"gold","email":"w***@example.com","order":{"receiver_name":"王**","total":9.5}});
        assert_eq!(mask_tree(value), masked);
        assert_eq!(mask_trait("$phone", json!(13800138000u64)), json!("*********00"));
    }
}
