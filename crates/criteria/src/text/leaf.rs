//! One leaf as a phrase.

use super::Language;
use crate::rule::{
    Aggregate, Comparison, Consent, ConsentRule, Duration, EventRule, Events, Filter, Literal, Measure,
    Named, Period, RelatedRule, Relation, Rule, SequenceRule, Since, Step, TextRelation, Unit, Window,
};
use crate::value::instant_text;

/// Values of a list that are spelled out; the rest is a number.
const LISTED_MAX: usize = 10;

pub(super) fn leaf(rule: &Rule, language: Language) -> String {
    let say = Say(language);
    match rule {
        Rule::Trait(named) => say.named("", "", named),
        Rule::Tag(named) => say.named("标签 ", "tag ", named),
        Rule::Score(named) => say.named("评分 ", "score ", named),
        Rule::Stage(named) => say.named("阶段 ", "stage ", named),
        Rule::Audience(id) => say.0.choose("属于人群 ", "is in audience ").to_owned() + id,
        Rule::Consent(rule) => say.consent(rule),
        Rule::Related(rule) => say.related(rule),
        Rule::Event(rule) => say.event(rule),
        Rule::Sequence(rule) => say.sequence(rule),
        Rule::Always(true) => say.0.choose("所有人", "everybody").to_owned(),
        Rule::Always(false) => say.0.choose("无人", "nobody").to_owned(),
        Rule::All(_) | Rule::Any(_) | Rule::None(_) => String::new(),
    }
}

#[derive(Clone, Copy)]
struct Say(Language);

impl Say {
    fn named(self, chinese: &str, english: &str, named: &Named) -> String {
        format!("{}{} {}", self.0.choose(chinese, english), named.name, self.comparison(&named.comparison))
    }

    fn consent(self, rule: &ConsentRule) -> String {
        let states = [
            (Consent::Granted, "已同意", "granted"),
            (Consent::Denied, "已拒绝", "denied"),
            (Consent::Withdrawn, "已撤回", "withdrawn"),
            (Consent::Unknown, "未表态", "unknown"),
        ];
        let state = states.iter().find(|(state, ..)| *state == rule.state);
        let state = state.map_or("", |(_, chinese, english)| self.0.choose(chinese, english));
        let (channel, purpose) = (&rule.channel, &rule.purpose);
        match self.0 {
            Language::Chinese => format!("渠道 {channel}、用途 {purpose} 的授权：{state}"),
            Language::English => format!("consent by {channel} for {purpose} is {state}"),
        }
    }

    fn related(self, rule: &RelatedRule) -> String {
        let (object, via) = (&rule.object, &rule.via);
        let (filters, comparison) = (self.filters(&rule.filters), self.comparison(&rule.comparison));
        match self.0 {
            Language::Chinese => format!("经 {via} 关联的 {object}{filters}的数量 {comparison}"),
            Language::English => format!("count of {object} related by {via}{filters} {comparison}"),
        }
    }

    fn event(self, rule: &EventRule) -> String {
        let events = match &rule.events {
            Events::Every => self.0.choose("任意事件", "any event").to_owned(),
            Events::Named(names) => self.names(names),
        };
        let (window, filters) = (self.window(&rule.window), self.filters(&rule.filters));
        let (measure, comparison) = (self.measure(&rule.measure), self.comparison(&rule.comparison));
        match self.0 {
            Language::Chinese => format!("{window}{events}{filters}的{measure} {comparison}"),
            Language::English => format!("{measure} {events}{filters}{window} {comparison}"),
        }
    }

    fn sequence(self, rule: &SequenceRule) -> String {
        let steps: Vec<_> =
            rule.steps.iter().enumerate().map(|(at, step)| self.step(step, at == 0)).collect();
        let window = self.window(&rule.window);
        let comparison = self.comparison(&rule.comparison);
        match self.0 {
            Language::Chinese => {
                let window = if window.is_empty() {
                    window
                } else {
                    format!("；首步在{}", window.trim_end_matches('，'))
                };
                format!("依次：{}{window}；次数 {comparison}", steps.join("，"))
            }
            Language::English => {
                let window = if window.is_empty() { window } else { format!("; begun{window}") };
                format!("in order: {}{window}; times {comparison}", steps.join(", "))
            }
        }
    }

    fn step(self, step: &Step, is_first: bool) -> String {
        let (events, filters) = (self.names(&step.events), self.filters(&step.filters));
        if is_first {
            return format!("{events}{filters}");
        }
        let same: Vec<_> = step.same.iter().map(ToString::to_string).collect();
        match self.0 {
            Language::Chinese => {
                let within =
                    step.within.map_or(String::new(), |within| format!("{}内", self.duration(within)));
                let verb = if step.is_absent { "没有" } else { "有" };
                let same = if same.is_empty() {
                    String::new()
                } else {
                    format!("（{} 相同）", same.join("、"))
                };
                format!("随后{within}{verb}{events}{filters}{same}")
            }
            Language::English => {
                let within =
                    step.within.map_or(String::new(), |within| format!(" within {}", self.duration(within)));
                let verb = if step.is_absent { "then no" } else { "then" };
                let same =
                    if same.is_empty() { String::new() } else { format!(" of the same {}", same.join(", ")) };
                format!("{verb} {events}{filters}{same}{within}")
            }
        }
    }

    fn names(self, names: &[String]) -> String {
        let quoted: Vec<_> = names.iter().map(|name| self.quoted(name)).collect();
        quoted.join(self.0.choose("或", " or "))
    }

    fn quoted(self, text: &str) -> String {
        match self.0 {
            Language::Chinese => format!("「{text}」"),
            Language::English => format!("“{text}”"),
        }
    }

    fn measure(self, measure: &Measure) -> String {
        let (chinese, english) = match measure {
            Measure::Count => return self.0.choose("次数", "count of").to_owned(),
            Measure::Days => return self.0.choose("天数", "days with").to_owned(),
            Measure::FirstTime => return self.0.choose("首次时间", "first time of").to_owned(),
            Measure::LastTime => return self.0.choose("末次时间", "last time of").to_owned(),
            Measure::Of(aggregate, _) => match aggregate {
                Aggregate::Sum => ("合计", "sum"),
                Aggregate::Avg => ("平均", "average"),
                Aggregate::Min => ("最小值", "least"),
                Aggregate::Max => ("最大值", "greatest"),
                Aggregate::Distinct => ("不同值个数", "number of different"),
                Aggregate::First => ("首次取值", "first"),
                Aggregate::Last => ("末次取值", "last"),
            },
        };
        let Measure::Of(_, path) = measure else { return String::new() };
        match self.0 {
            Language::Chinese => format!(" {path} {chinese}"),
            Language::English => format!("{english} {path} of"),
        }
    }

    fn filters(self, filters: &[Filter]) -> String {
        if filters.is_empty() {
            return String::new();
        }
        let joined = self.joined(filters, "且", "and");
        match self.0 {
            Language::Chinese => format!("（{joined}）"),
            Language::English => format!(" where {joined}"),
        }
    }

    fn joined(self, filters: &[Filter], chinese: &str, english: &str) -> String {
        let parts: Vec<_> = filters.iter().map(|filter| self.filter(filter)).collect();
        parts.join(&format!(" {} ", self.0.choose(chinese, english)))
    }

    fn filter(self, filter: &Filter) -> String {
        match filter {
            Filter::All(filters) => format!("({})", self.joined(filters, "且", "and")),
            Filter::Any(filters) => format!("({})", self.joined(filters, "或", "or")),
            Filter::None(filters) => {
                format!("{}({})", self.0.choose("非", "not "), self.joined(filters, "或", "or"))
            }
            Filter::Property(path, comparison) => format!("{path} {}", self.comparison(comparison)),
        }
    }

    fn window(self, window: &Window) -> String {
        match (window, self.0) {
            (Window::Ever, _) => String::new(),
            (Window::Last(duration), Language::Chinese) => format!("最近 {}内，", self.duration(*duration)),
            (Window::Last(duration), Language::English) => {
                format!(" in the last {}", self.duration(*duration))
            }
            (Window::Calendar(period), Language::Chinese) => format!("{}，", period_name(*period).0),
            (Window::Calendar(period), Language::English) => format!(" {}", period_name(*period).1),
            (Window::Between(from, to), language) => {
                let [from, to] = [from, to].map(|end| end.map(instant_text));
                let part = |end: Option<String>, before: &str, after: &str| {
                    end.map_or(String::new(), |end| format!("{before}{end}{after}"))
                };
                match language {
                    Language::Chinese => part(from, "自 ", " 起") + &part(to, "至 ", " 前") + "，",
                    Language::English => part(from, " from ", "") + &part(to, " until before ", ""),
                }
            }
            (Window::Since(Since { event, filters, is_last }), language) => {
                let (event, filters) = (self.quoted(event), self.filters(filters));
                match (language, is_last) {
                    (Language::Chinese, true) => format!("自最近一次{event}{filters}之后，"),
                    (Language::Chinese, false) => format!("自首次{event}{filters}之后，"),
                    (Language::English, true) => format!(" since the last {event}{filters}"),
                    (Language::English, false) => format!(" since the first {event}{filters}"),
                }
            }
        }
    }

    fn duration(self, duration: Duration) -> String {
        let (chinese, english) = match duration.unit {
            Unit::Minute => ("分钟", "minute"),
            Unit::Hour => ("小时", "hour"),
            Unit::Day => ("天", "day"),
            Unit::Week => ("周", "week"),
        };
        match self.0 {
            Language::Chinese => format!("{} {chinese}", duration.count),
            Language::English if duration.count == 1 => format!("1 {english}"),
            Language::English => format!("{} {english}s", duration.count),
        }
    }

    fn literal(self, literal: &Literal) -> String {
        match literal {
            Literal::Text(text) => self.quoted(text),
            Literal::Number(number) => number.to_string(),
            Literal::Boolean(true) => self.0.choose("是", "true").to_owned(),
            Literal::Boolean(false) => self.0.choose("否", "false").to_owned(),
        }
    }

    fn list(self, values: &[Literal]) -> String {
        let mut parts: Vec<_> = values.iter().take(LISTED_MAX).map(|value| self.literal(value)).collect();
        let more = values.len().saturating_sub(LISTED_MAX);
        if more > 0 {
            parts.push(match self.0 {
                Language::Chinese => format!("等共 {} 项", values.len()),
                Language::English => format!("and {more} more"),
            });
        }
        parts.join(self.0.choose("、", ", "))
    }

    fn comparison(self, comparison: &Comparison) -> String {
        let pair = |chinese: &str, english: &str, rest: String| {
            format!("{} {rest}", self.0.choose(chinese, english))
        };
        match (comparison, self.0) {
            (Comparison::Exists, language) => language.choose("有值", "exists").to_owned(),
            (Comparison::Missing, language) => language.choose("无值", "is missing").to_owned(),
            (Comparison::Is(relation, literal), _) => {
                let sign = match relation {
                    Relation::Eq => "=",
                    Relation::Ne => "≠",
                    Relation::Gt => ">",
                    Relation::Gte => "≥",
                    Relation::Lt => "<",
                    Relation::Lte => "≤",
                };
                format!("{sign} {}", self.literal(literal))
            }
            (Comparison::In(values), _) => pair("属于", "is one of", self.list(values)),
            (Comparison::NotIn(values), _) => pair("不属于", "is none of", self.list(values)),
            (Comparison::Between(low, high), Language::Chinese) => {
                format!("在 {} 到 {} 之间（含）", self.literal(low), self.literal(high))
            }
            (Comparison::Between(low, high), Language::English) => {
                format!("is between {} and {} inclusive", self.literal(low), self.literal(high))
            }
            (Comparison::Text(relation, part), _) => {
                let (chinese, english) = match relation {
                    TextRelation::Contains => ("包含", "contains"),
                    TextRelation::StartsWith => ("开头是", "starts with"),
                    TextRelation::EndsWith => ("结尾是", "ends with"),
                    TextRelation::Matches => ("匹配正则", "matches"),
                };
                pair(chinese, english, self.quoted(part))
            }
            (Comparison::Before(at), _) => pair("早于", "is before", instant_text(*at)),
            (Comparison::After(at), _) => pair("晚于", "is after", instant_text(*at)),
            (Comparison::WithinLast(duration), Language::Chinese) => {
                format!("在最近 {}内", self.duration(*duration))
            }
            (Comparison::WithinLast(duration), Language::English) => {
                format!("is within the last {}", self.duration(*duration))
            }
            (Comparison::OlderThan(duration), Language::Chinese) => {
                format!("在 {} 之前", self.duration(*duration))
            }
            (Comparison::OlderThan(duration), Language::English) => {
                format!("is older than {}", self.duration(*duration))
            }
            (Comparison::WithinKm { place, km }, Language::Chinese) => {
                format!("距 ({}, {}) 不超过 {km} 公里", place.lat, place.lon)
            }
            (Comparison::WithinKm { place, km }, Language::English) => {
                format!("is within {km} km of ({}, {})", place.lat, place.lon)
            }
        }
    }
}

fn period_name(period: Period) -> (&'static str, &'static str) {
    match period {
        Period::Today => ("今天", "today"),
        Period::Yesterday => ("昨天", "yesterday"),
        Period::ThisWeek => ("本周", "this week"),
        Period::LastWeek => ("上周", "last week"),
        Period::ThisMonth => ("本月", "this month"),
        Period::LastMonth => ("上月", "last month"),
        Period::ThisQuarter => ("本季度", "this quarter"),
        Period::LastQuarter => ("上季度", "last quarter"),
        Period::ThisYear => ("今年", "this year"),
        Period::LastYear => ("去年", "last year"),
    }
}
