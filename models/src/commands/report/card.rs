//! The model card: what the model was made of, with what settings, and what it can't do (after Mitchell et al., 2019).

use super::{Page, escape};
use crate::commands::fit::day;
use crate::commands::grouped;
use serde_json::Value;
use unisono_core::features::Feature;
use unisono_message::limits;

/// The card.
pub(super) fn html(page: &Page<'_>) -> String {
    let (model, root) = (page.model, &page.view.root);
    let fact = |name: &str| root.pointer(&format!("/data/{name}"));
    let int = |name: &str| fact(name).and_then(Value::as_i64);
    let count = |name: &str| int(name).map_or("unknown".into(), |value| grouped(value.max(0) as u64));
    let date = |name: &str| int(name).map_or("unknown".into(), day);
    let mut rows: Vec<(&str, String)> = vec![
        ("model id", format!("<code>{}</code>", page.view.model_id)),
        ("data", format!("{} events of {} profiles", count("events"), count("profiles"))),
        ("dates", format!("{} to before {} (UTC)", date("first_ms"), date("end_ms"))),
        ("target", fact("target").and_then(Value::as_str).map(escape).unwrap_or_default()),
        ("items", grouped(model.items_len.into())),
        ("channels", escape(&model.channels.join(", "))),
        ("licence of the data", page.licence.map_or("not given (--licence)".into(), escape)),
        ("support floor", format!("{}: no figure rests on fewer distinct profiles", model.min_support)),
        ("sessions", sessions_text(page)),
        ("limits", limits_text(page)),
        (
            "not for",
            "customers unlike those of the data, prices, stock, and any decision about a person; a chance holds for \
customers like those that the model was fitted on"
                .into(),
        ),
    ];
    rows.push(("features", Feature::ALL.iter().map(|feature| feature.as_str()).collect::<Vec<_>>().join(", ")));
    if let Some(leak) = &page.evaluation.leak_check {
        let verdict = if leak.holds() { "holds" } else { "does NOT hold" };
        rows.push((
            "leak check",
            format!(
                "{verdict}: tables of {} bytes, {} cases, {} candidates",
                grouped(leak.table_bytes as u64),
                leak.cases,
                grouped(leak.candidates as u64)
            ),
        ));
    }
    for name in ["events_sha256", "catalog_sha256"] {
        rows.push((
            name,
            format!("<code>{}</code>", fact(name).and_then(Value::as_str).map(escape).unwrap_or_default()),
        ));
    }
    let line = |(name, value): &(&str, String)| format!("<tr><th>{name}</th><td>{value}</td></tr>\n");
    let mut out = format!("<h2>Model card</h2><table>{}</table>\n", rows.iter().map(line).collect::<String>());
    for (group, title) in [("config", "Settings"), ("metrics", "Metrics of the fit itself, on its own held-out cut")] {
        let facts = root.get(group).and_then(Value::as_object);
        let line = |(name, value): (&String, &Value)| {
            format!("<tr><td>{}</td><td class=\"n\">{}</td></tr>", escape(name), escape(&shown(value)))
        };
        let lines: String = facts.into_iter().flatten().map(line).collect();
        out += &format!("<details><summary>{title}</summary><table>{lines}</table></details>\n");
    }
    out
}

fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => format!("{:.4}", number.as_f64().unwrap_or(0.0)),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether the file holds sessions one by one, and why it may.
fn sessions_text(page: &Page<'_>) -> String {
    match page.model.sessions.rows.len() {
        0 => "none: no visit of any profile stands in the file".into(),
        count => format!(
            "{} visits stand in the file item by item, without ids or times, because nine of ten profiles are one \
anonymous visit; of a profile with several it holds none",
            grouped(count as u64)
        ),
    }
}

fn limits_text(page: &Page<'_>) -> String {
    let model = page.model;
    format!(
        "{} events a request; neighbours of the newest {} items of a history; {} candidates of each source; {} ranked by the trees ({} for a newcomer); \
{}",
        grouped(limits::REQUEST_EVENTS_MAX as u64),
        model.history_items,
        model.candidates_per_source,
        model.ranked_max,
        grouped(limits::STRANGER_RANKED_MAX as u64),
        match model.keep_unknown_items {
            true => "an item that only the profile knows stays a candidate",
            false => "an item that only the profile knows is left out",
        }
    )
}
