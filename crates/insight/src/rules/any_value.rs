//! What a value of a tag is, for the document of the API.

use utoipa::ToSchema;

/// A value of any of the types, in the document of the API.
pub struct AnyValue;

impl utoipa::PartialSchema for AnyValue {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
        let plain = |of: Type| ObjectBuilder::new().schema_type(of).build();
        let list = ArrayBuilder::new().items(plain(Type::String));
        let any = OneOfBuilder::new().item(plain(Type::String)).item(plain(Type::Number));
        utoipa::openapi::schema::Schema::OneOf(any.item(plain(Type::Boolean)).item(list).build()).into()
    }
}

impl ToSchema for AnyValue {}
