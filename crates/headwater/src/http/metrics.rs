//! Figures for Prometheus, in its text form. No label holds personal data.

use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use kernel::Scope;
use web::Problem;

use super::Server;
use super::pipeline::status;

/// Everything this process counts.
pub async fn metrics(State(server): State<Server>) -> Result<impl IntoResponse, Problem> {
    let text = web::blocking(move || render(&server)).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text))
}

fn render(server: &Server) -> kernel::Result<String> {
    let mut out = String::new();
    let counters = &server.collector.counters;
    let collector = [
        ("events_accepted_total", "Events acknowledged since the start of the process.", &counters.accepted),
        ("events_rejected_total", "Events found invalid while they were received.", &counters.rejected),
        ("collect_requests_total", "Requests to paths that take events.", &counters.requests),
        ("collect_refused_total", "Requests answered with an error.", &counters.refused),
        ("collect_bytes_total", "Bytes of request bodies.", &counters.bytes),
    ];
    for (name, help, value) in collector {
        metric(&mut out, name, help, "counter", &[("", value.load(Relaxed) as i64)]);
    }
    let mut statuses = Vec::new();
    for workspace in server.runtime.installation().workspaces() {
        let scope = Scope::system(workspace.no, "metrics");
        statuses.push((format!("{{workspace=\"{}\"}}", workspace.name), status(server, &scope)?));
    }
    type Read = fn(&super::pipeline::Status) -> i64;
    let pipeline: [(&str, &str, &str, Read); 7] = [
        ("pipeline_log_head", "Newest entry of the log.", "gauge", |s| s.log_head as i64),
        ("pipeline_applied", "Newest entry that is part of the state.", "gauge", |s| s.applied as i64),
        ("pipeline_lag_milliseconds", "Age of the oldest entry not applied.", "gauge", |s| s.lag_ms),
        ("pipeline_processed_total", "Events in the state.", "counter", |s| s.processed as i64),
        ("pipeline_deduplicated_total", "Copies recognised.", "counter", |s| s.deduplicated as i64),
        ("pipeline_quarantined_total", "Events put aside.", "counter", |s| s.quarantined as i64),
        ("parties", "Parties known.", "gauge", |s| s.parties as i64),
    ];
    for (name, help, kind, read) in pipeline {
        let values: Vec<(&str, i64)> = statuses.iter().map(|(label, s)| (label.as_str(), read(s))).collect();
        metric(&mut out, name, help, kind, &values);
    }
    Ok(out)
}

fn metric(out: &mut String, name: &str, help: &str, kind: &str, values: &[(&str, i64)]) {
    let _ = writeln!(out, "# HELP headwater_{name} {help}\n# TYPE headwater_{name} {kind}");
    for (label, value) in values {
        let _ = writeln!(out, "headwater_{name}{label} {value}");
    }
}
