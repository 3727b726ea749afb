//! A mapping from the names of the columns alone, in Chinese and English, for people to correct.
//!
//! Looks at no cell, so the guess is the same for the same header. What it does not know becomes a
//! trait or property under the column's own name; nothing is dropped.

use super::Column;
use super::mapping::{Fields, Identifier, Mapping, Property, Time, Trait, Type, VERSION};

/// The zone of a guessed time column: most files come from there, and the guess is shown.
const ZONE: &str = "Asia/Shanghai";

/// What a header may mean.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Role {
    /// Says who. Contact details are traits as well.
    Identifier(&'static str, Option<&'static str>),
    /// Describes a person; in an event it is a property like any other.
    Trait(&'static str, Type),
    /// Names the event.
    Event,
    /// Says when, if nothing better does.
    Time,
    /// An order's number: makes the rows orders.
    Order,
    /// Describes an event.
    Property(&'static str, Type),
    /// Says who only if no other column does.
    BareId,
}

/// Names as [`bare`] leaves them.
const WORDS: &[(Role, &[&str])] = &[
    (
        Role::Identifier("user_id", None),
        &[
            "userid",
            "uid",
            "customerid",
            "custid",
            "客户id",
            "客户编号",
            "客户号",
            "用户id",
            "用户编号",
            "顾客编号",
        ],
    ),
    (Role::Identifier("anonymous_id", None), &["anonymousid", "匿名id", "访客id", "visitorid"]),
    (
        Role::Identifier("member_no", None),
        &[
            "memberno",
            "memberid",
            "membernumber",
            "membercard",
            "cardno",
            "会员号",
            "会员id",
            "会员编号",
            "会员卡号",
            "卡号",
        ],
    ),
    (
        Role::Identifier("mobile", Some("phone")),
        &[
            "phone",
            "mobile",
            "phoneno",
            "phonenumber",
            "mobileno",
            "mobilephone",
            "mobilenumber",
            "cellphone",
            "tel",
            "telephone",
            "手机",
            "手机号",
            "手机号码",
            "电话",
            "电话号码",
            "联系电话",
            "联系方式",
            "移动电话",
        ],
    ),
    (
        Role::Identifier("email", Some("email")),
        &["email", "mail", "emailaddress", "邮箱", "电子邮箱", "邮箱地址", "电子邮件"],
    ),
    (Role::Identifier("unionid", None), &["unionid", "微信unionid"]),
    (Role::Identifier("openid", None), &["openid", "微信openid"]),
    (Role::Identifier("external_userid", None), &["externaluserid", "企微外部联系人id"]),
    (Role::Identifier("device_id", None), &["deviceid", "设备id", "设备号"]),
    (Role::Identifier("contract_no", None), &["contractno", "contractnumber", "合同号", "合同编号"]),
    (Role::Identifier("uscc", None), &["uscc", "统一社会信用代码", "信用代码"]),
    (Role::BareId, &["id", "编号"]),
    (Role::Event, &["event", "eventname", "eventtype", "事件", "事件名", "事件名称"]),
    (
        Role::Time,
        &[
            "timestamp",
            "time",
            "datetime",
            "date",
            "eventtime",
            "occurredat",
            "时间",
            "日期",
            "时间戳",
            "事件时间",
            "发生时间",
            "invoicedate",
            "orderdate",
            "ordertime",
            "orderedat",
            "purchasedate",
            "paidat",
            "paymenttime",
            "transactiondate",
            "下单时间",
            "下单日期",
            "订单时间",
            "订单日期",
            "交易时间",
            "交易日期",
            "支付时间",
            "付款时间",
            "消费时间",
            "购买时间",
            "updatedat",
            "更新时间",
        ],
    ),
    (
        Role::Order,
        &[
            "orderid",
            "orderno",
            "ordernumber",
            "invoiceno",
            "invoice",
            "invoiceid",
            "transactionid",
            "订单号",
            "订单编号",
            "订单id",
            "交易号",
            "小票号",
            "流水号",
        ],
    ),
    (
        Role::Trait("name", Type::Text),
        &[
            "name",
            "fullname",
            "username",
            "customername",
            "姓名",
            "名字",
            "客户姓名",
            "会员姓名",
            "顾客姓名",
            "客户名称",
            "收货人",
        ],
    ),
    (Role::Trait("nickname", Type::Text), &["nickname", "昵称", "微信昵称"]),
    (Role::Trait("gender", Type::Text), &["gender", "sex", "性别"]),
    (
        Role::Trait("birthday", Type::Date),
        &["birthday", "birthdate", "dateofbirth", "dob", "生日", "出生日期", "出生年月日"],
    ),
    (Role::Trait("age", Type::Number), &["age", "年龄"]),
    (Role::Trait("province", Type::Text), &["province", "state", "省", "省份"]),
    (Role::Trait("city", Type::Text), &["city", "城市", "市"]),
    (Role::Trait("address", Type::Text), &["address", "地址", "详细地址", "收货地址", "联系地址"]),
    (Role::Trait("company", Type::Text), &["company", "companyname", "公司", "公司名称", "单位"]),
    (
        Role::Trait("created_at", Type::Time),
        &[
            "createdat",
            "createtime",
            "registeredat",
            "registrationdate",
            "signupdate",
            "注册时间",
            "注册日期",
            "入会时间",
            "入会日期",
            "创建时间",
        ],
    ),
    (
        Role::Property("total", Type::Number),
        &[
            "total",
            "amount",
            "totalamount",
            "orderamount",
            "ordertotal",
            "paidamount",
            "金额",
            "总金额",
            "订单金额",
            "实付金额",
            "实收金额",
            "支付金额",
            "消费金额",
            "总价",
        ],
    ),
    (Role::Property("revenue", Type::Number), &["revenue", "收入"]),
    (Role::Property("quantity", Type::Number), &["quantity", "qty", "数量", "件数", "购买数量"]),
    (Role::Property("price", Type::Number), &["price", "unitprice", "单价", "价格"]),
    (
        Role::Property("discount", Type::Number),
        &["discount", "discountamount", "优惠", "优惠金额", "折扣金额"],
    ),
    (Role::Property("sku", Type::Text), &["sku", "stockcode", "skuid", "商品编码", "货号"]),
    (Role::Property("product_id", Type::Text), &["productid", "itemid", "商品id", "商品编号"]),
    (Role::Property("product_name", Type::Text), &["productname", "商品", "商品名称", "品名"]),
    (
        Role::Property("store_id", Type::Text),
        &["storeid", "storeno", "shopid", "门店id", "门店编号", "店铺id"],
    ),
];

/// A mapping of `columns` for `source`. It may fail [`Mapping::check`], when no column says who.
pub fn guess(columns: &[Column], source: &str) -> Mapping {
    let roles: Vec<(&Column, Option<Role>)> = columns.iter().map(|c| (c, role(c))).collect();
    let first = |wanted: Role| roles.iter().find(|(_, r)| *r == Some(wanted)).map(|(c, _)| c.to_string());
    let time = first(Role::Time);
    // An event without a time cannot be imported, so such rows are read as descriptions.
    let event_column = time.as_ref().and_then(|_| first(Role::Event));
    let is_order = event_column.is_none() && time.is_some() && first(Role::Order).is_some();
    let mut mapping = Mapping {
        version: VERSION,
        source: source.to_owned(),
        event: is_order.then(|| "Order Completed".to_owned()),
        event_column,
        message_id: None,
        time: time.map(|column| Time { column, formats: Vec::new(), zone: Some(ZONE.to_owned()) }),
        identifiers: identifiers(&roles),
        traits: Fields::default(),
        properties: Fields::default(),
        constants: serde_json::Map::new(),
        skip_if: Vec::new(),
    };
    let mut fields: Vec<(String, String, Type)> = Vec::new();
    for (column, role) in &roles {
        let Some((name, kind)) = field(column, *role, &mapping) else { continue };
        let is_taken = |name: &str| fields.iter().any(|(n, ..)| n == name);
        let spare = (2..).map(|n| format!("{column} ({n})"));
        let name = [name, column.to_string()].into_iter().chain(spare).find(|n| !is_taken(n));
        fields.push((name.expect("the numbers do not end"), column.to_string(), kind));
    }
    if mapping.is_event() {
        let listed = |(property, column, kind)| Property { property, column, kind, required: false };
        mapping.properties = Fields::Listed(fields.into_iter().map(listed).collect());
    } else {
        let listed = |(field, column, kind)| Trait { field, column, kind, required: false };
        mapping.traits = Fields::Listed(fields.into_iter().map(listed).collect());
    }
    mapping
}

fn identifiers(roles: &[(&Column, Option<Role>)]) -> Vec<Identifier> {
    let known = roles.iter().filter_map(|(column, role)| match role {
        Some(Role::Identifier(kind, _)) => Some(((*kind).to_owned(), column.to_string())),
        _ => None,
    });
    let mut found: Vec<_> = known.collect();
    if found.is_empty() {
        let bare = roles.iter().find(|(_, role)| *role == Some(Role::BareId));
        found.extend(bare.map(|(column, _)| ("user_id".to_owned(), column.to_string())));
    }
    found.into_iter().map(|(kind, column)| Identifier { kind, column }).collect()
}

/// The trait or property a column becomes; none if it is used up otherwise.
fn field(column: &Column, role: Option<Role>, mapping: &Mapping) -> Option<(String, Type)> {
    let is_time = mapping.time.as_ref().is_some_and(|t| *t.column == **column);
    let is_event_name = mapping.event_column.as_deref() == Some(column);
    let own = (column.to_string(), Type::Auto);
    match role {
        _ if is_time || is_event_name => None,
        Some(Role::Identifier(_, contact)) => {
            contact.filter(|_| !mapping.is_event()).map(|name| (name.to_owned(), Type::Text))
        }
        Some(Role::BareId) if mapping.identifiers.iter().any(|i| *i.column == **column) => None,
        Some(Role::Trait(name, kind)) if !mapping.is_event() => Some((name.to_owned(), kind)),
        Some(Role::Property(name, kind)) if mapping.is_event() => Some((name.to_owned(), kind)),
        Some(Role::Order) if mapping.is_event() => Some(("order_id".to_owned(), Type::Text)),
        _ => Some(own),
    }
}

fn role(column: &str) -> Option<Role> {
    let name = bare(column);
    WORDS.iter().find(|(_, words)| words.contains(&name.as_str())).map(|(role, _)| *role)
}

/// Lower case, letters and digits only: `Customer ID`, `customer_id` and `customerId` are one.
fn bare(column: &str) -> String {
    column.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
