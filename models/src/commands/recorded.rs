//! What a model's file says of its own fit.

use crate::blend::{Aim, Takes};
use crate::config::{FitParams, TableParams};
use crate::counts::Target;
use crate::error::{Error, Result};
use serde_json::{Value, json};

/// A number of the model's own account.
pub(super) fn fact(facts: &Value, group: &str, name: &str) -> Option<i64> {
    facts.get(group)?.get(name)?.as_i64()
}

/// What the model was fitted for, as its file says.
pub(super) fn aim_of(facts: &Value) -> Aim {
    let text = |group: &str, name: &str| facts.get(group)?.get(name)?.as_str();
    let target = text("data", "target").and_then(Target::parse).unwrap_or(Target::Purchase);
    let takes = match (text("config", "used.takes"), target) {
        (Some("item"), _) | (None, Target::CartAdd | Target::View) => Takes::Item,
        _ => Takes::Order,
    };
    Aim { target, takes, items_min: fact(facts, "config", "used.case_items_min").unwrap_or(2) as usize }
}

/// The settings that the model's tables were counted with, and those that its file does not record, as `name = default`.
///
/// # Errors
/// `bad_config` where what the file records is no setting.
pub(super) fn tables_of(facts: &Value) -> Result<(TableParams, Vec<String>)> {
    let unreadable = |error: serde_json::Error| Error::config("tables", format!("of the model can't be read: {error}"));
    let mut settings = json!(TableParams::default());
    let mut presumed = Vec::new();
    for (name, value) in settings.as_object_mut().into_iter().flatten() {
        match facts.get("config").and_then(|config| config.get(format!("tables.{name}"))) {
            Some(recorded) => *value = recorded.clone(),
            // The floor and the number of sessions are parts of the model itself, which counting takes them from.
            None if name == "min_support" || name == "sessions" => {}
            None => presumed.push(format!("{name} = {value}")),
        }
    }
    let params = FitParams { tables: serde_json::from_value(settings).map_err(unreadable)?, ..FitParams::new() };
    Ok((params.check()?.params().tables.clone(), presumed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_counting_are_those_that_the_file_records() {
        let facts = json!({"config": {
            "tables.min_support": 0, "tables.neighbours": 3, "tables.next_days": 9, "tables.channel_items": 7,
            "tables.history_items": 50, "tables.segments": 0, "tables.of_another_version": 1, "learn.seed": 8,
        }});
        let (params, presumed) = tables_of(&facts).unwrap();
        let wanted = TableParams {
            neighbours: 3,
            next_days: 9,
            channel_items: 7,
            history_items: 50,
            segments: 0,
            ..TableParams::default()
        };
        assert_eq!(params, wanted);
        assert_eq!(presumed, ["brands_max = 1000", "candidates_per_source = 100"]);
        assert_eq!(tables_of(&Value::Null).unwrap().0, TableParams::default());
        for wrong in [json!("many"), json!(-1), json!(0)] {
            let error = tables_of(&json!({"config": {"tables.neighbours": wrong}})).unwrap_err();
            assert_eq!(error.code(), "bad_config");
        }
    }
}
