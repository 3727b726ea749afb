//! The mapping document and the guess from a header; no row is read here.

use super::super::guess::guess;
use super::*;

const IDENTIFY: &str = r#""version":1,"source":"crm","identifiers":[{"kind":"user_id","column":"id"}]"#;

#[test]
fn a_wrong_mapping_is_refused_with_the_field_at_fault() {
    let track = format!(r#"{IDENTIFY},"event":"E","time":{{"column":"t"}}"#);
    let cases = [
        (format!("{{{IDENTIFY},\"colour\":1}}"), "unknown field `colour`"),
        (format!("{{{}}}", IDENTIFY.replace(":1,", ":2,")), "mapping.version"),
        (format!("{{{}}}", IDENTIFY.replace("crm", " ")), "mapping.source"),
        (r#"{"version":1,"source":"crm","identifiers":[]}"#.into(), "mapping.identifiers"),
        (format!("{{{IDENTIFY},\"traits\":\"all\"}}"), "`\"*\"` or a list"),
        (format!("{{{IDENTIFY},\"traits\":[{{\"field\":\"a\"}}]}}"), "missing field `column`"),
        (
            format!("{{{IDENTIFY},\"traits\":[{{\"field\":\"a\",\"column\":\"x\",\"type\":\"colour\"}}]}}"),
            "unknown variant `colour`",
        ),
        (
            format!(
                "{{{IDENTIFY},\"traits\":[{{\"field\":\"a\",\"column\":\"x\"}},{{\"field\":\"a\",\"column\":\"y\"}}]}}"
            ),
            "mapping.traits[1]: `a` is given twice",
        ),
        (format!("{{{IDENTIFY},\"properties\":\"*\"}}"), "mapping.properties"),
        (format!("{{{IDENTIFY},\"event\":\"E\"}}"), "mapping.time"),
        (format!("{{{track},\"event_column\":\"e\"}}"), "mapping.event_column"),
        (format!("{{{track},\"traits\":\"*\"}}"), "mapping.traits"),
        (format!("{{{track},\"message_id\":[]}}"), "mapping.message_id"),
        (format!("{{{track},\"skip_if\":[{{\"column\":\"x\"}}]}}"), "mapping.skip_if[0]"),
        (
            format!("{{{IDENTIFY},\"time\":{{\"column\":\"t\",\"zone\":\"Mars/Olympus\"}}}}"),
            "unknown time zone `Mars/Olympus`",
        ),
        (
            format!("{{{IDENTIFY},\"time\":{{\"column\":\"t\",\"formats\":[\"%H:%M\"]}}}}"),
            "does not name a whole date",
        ),
    ];
    for (json, words) in cases {
        let said = Mapping::parse(&json).unwrap_err().to_string();
        assert!(said.contains(words), "{json}\n{said}");
    }
    assert!(Mapping::parse(&format!("{{{track},\"properties\":\"*\"}}")).is_ok());
}

#[test]
fn a_mapping_reads_back_what_it_prints() {
    let full = mapping(
        r#"{"version":1,"source":"pos","event":"Order Completed","message_id":["order"],
            "time":{"column":"at","formats":["%m/%d/%Y %H:%M"],"zone":"Asia/Shanghai"},
            "identifiers":[{"kind":"user_id","column":"Customer ID"}],
            "properties":[{"property":"total","column":"Amount","type":"number","required":true}],
            "constants":{"currency":"CNY"},"skip_if":[{"column":"order","starts_with":"C"}]}"#,
    );
    assert_eq!(mapping(&full.to_json()), full);
    let all = mapping(&format!("{{{IDENTIFY},\"traits\":\"*\"}}"));
    assert_eq!(mapping(&all.to_json()), all);
}

/// What the guess makes of a header, in one line.
fn guessed(header: &str) -> String {
    let columns: Vec<_> = header.split(',').map(super::super::Column::from).collect();
    let mapping = guess(&columns, "s");
    let mut said = match (&mapping.event, &mapping.event_column) {
        (Some(event), _) => format!("[{event}]"),
        (None, Some(column)) => format!("[event from {column}]"),
        (None, None) => "[identify]".into(),
    };
    if let Some(time) = &mapping.time {
        said.push_str(&format!(" at {}", time.column));
    }
    let identifiers = mapping.identifiers.iter().map(|i| format!(" {}<{}", i.kind, i.column));
    said.extend(identifiers);
    said.push(';');
    said.extend(mapping.traits.listed().iter().map(|t| format!(" {}<{}:{:?}", t.field, t.column, t.kind)));
    said.extend(
        mapping.properties.listed().iter().map(|p| format!(" {}<{}:{:?}", p.property, p.column, p.kind)),
    );
    if !mapping.identifiers.is_empty() {
        mapping.check().unwrap();
    }
    said
}

#[test]
fn headers_in_both_languages_are_understood() {
    let cases = [
        (
            "会员号,姓名,手机号,邮箱,生日,城市,备注",
            "[identify] member_no<会员号 mobile<手机号 email<邮箱; \
             name<姓名:Text phone<手机号:Text email<邮箱:Text birthday<生日:Date city<城市:Text 备注<备注:Auto",
        ),
        (
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
            "[Order Completed] at InvoiceDate user_id<CustomerID; order_id<InvoiceNo:Text sku<StockCode:Text \
             Description<Description:Auto quantity<Quantity:Number price<UnitPrice:Number Country<Country:Auto",
        ),
        (
            "userId,anonymousId,event,timestamp,plan",
            "[event from event] at timestamp user_id<userId anonymous_id<anonymousId; plan<plan:Auto",
        ),
        (
            "订单编号,下单时间,手机,实付金额,门店编号",
            "[Order Completed] at 下单时间 mobile<手机; order_id<订单编号:Text total<实付金额:Number \
             store_id<门店编号:Text",
        ),
        (
            "ID,frequency,recency,T",
            "[identify] user_id<ID; frequency<frequency:Auto recency<recency:Auto T<T:Auto",
        ),
        ("id,phone,event", "[identify] mobile<phone; id<id:Auto phone<phone:Text event<event:Auto"),
        (
            "phone,mobile,tel",
            "[identify] mobile<phone mobile<mobile mobile<tel; phone<phone:Text mobile<mobile:Text tel<tel:Text",
        ),
        (
            "金额,total,amount,订单号,日期,uid",
            "[Order Completed] at 日期 user_id<uid; total<金额:Number total (2)<total:Number amount<amount:Number order_id<订单号:Text",
        ),
        ("colour,shape", "[identify]; colour<colour:Auto shape<shape:Auto"),
    ];
    for (header, expected) in cases {
        assert_eq!(guessed(header), expected, "{header}");
    }
}
