//! The page of an ablation.

use super::{STYLE, cell, escape, plots, signed};
use crate::ablation::{ABLATION_MEASURES, Ablation};
use crate::error::Result;
use crate::eval::Figure;

/// The page.
///
/// # Errors
/// Whatever drawing fails with.
pub(crate) fn html(ablation: &Ablation) -> Result<String> {
    let mut out = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    out += "<meta name=\"viewport\" content=\"width=device-width\"><title>Unisono: ablation</title>\n";
    out += &format!("<style>{STYLE}</style></head><body>\n<h1>What each source carries</h1>\n");
    out += &format!(
        "<p><code>{}</code>, {} held-out cases. Each fit saw all but what its line names; candidates stayed the same. Differences are \
paired with the fit that saw everything, brackets and lines are 95 % intervals by the bootstrap over profiles. What can be told from \
something else costs little alone: the lines do not add up.</p>\n",
        escape(&ablation.task),
        ablation.cases
    );
    let left_out = || ablation.rows.iter().filter(|row| row.left_out != "nothing");
    for measure in ABLATION_MEASURES.iter().take(2) {
        let rows: Vec<(&str, Figure)> =
            left_out().filter_map(|row| Some((row.left_out.as_str(), *row.less_whole.get(measure)?))).collect();
        out += &format!("<h2>{measure}, less the whole</h2>\n");
        out += &plots::differences(&rows, measure)?;
    }
    out += "<h2>All figures</h2><table><tr><th>without</th>";
    for measure in ABLATION_MEASURES {
        out += &format!("<th class=\"n\">{measure}</th><th class=\"n\">less the whole</th>");
    }
    out += "<th>features</th></tr>\n";
    for row in &ablation.rows {
        out += &format!("<tr><td>{}</td>", escape(&row.left_out));
        for measure in ABLATION_MEASURES {
            out += &cell(row.figures.get(measure), |figure| format!("{:.4}", figure.value));
            out += &cell(row.less_whole.get(measure).filter(|_| row.left_out != "nothing"), signed);
        }
        out += &format!(
            "<td><small style=\"white-space:normal\">{}</small></td></tr>\n",
            escape(&row.features.join(", "))
        );
    }
    Ok(out + "</table></body></html>\n")
}
