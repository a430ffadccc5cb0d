//! The report: one HTML page that needs nothing else, with plots, tables, examples and the model card.

mod ablation;
mod card;
mod plots;

pub(crate) use ablation::html as ablation_html;

use super::evaluate::Evaluation;
use super::inspect::View;
use crate::error::Result;
use crate::eval::{Figure, Group, MEASURES, Outcome};
use crate::tables::Catalog;
use std::fmt::Write;
use unisono_core::Model;

/// Examples shown.
const EXAMPLES: usize = 4;
/// Places of an example's list.
const PLACES: usize = 10;
/// Metrics that have a panel of bars.
const BARS: [&str; 5] = ["recall@20", "ndcg@20", "hit@20", "mrr@20", "map@20"];

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#262a33;background:#fff;max-width:1120px;margin:24px auto;\
padding:0 24px}h1{font-size:28px;margin:0}h2{font-size:21px;margin:44px 0 4px}h3{font-size:16px;margin:20px 0 4px}\
p{margin:4px 0 12px}.note{color:#5f6470;font-size:14px}svg{width:100%;height:auto;display:block}\
table{border-collapse:collapse;font-size:14px;width:100%}td,th{padding:4px 10px;text-align:left;vertical-align:top;\
border-bottom:1px solid #e4e7ec}th{font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums}small{color:#5f6470;font-size:12px;white-space:nowrap}\
.hit{background:#e4f3ec}.two{display:grid;grid-template-columns:1fr 1fr;gap:8px 40px}code{font-size:13px;overflow-wrap:anywhere}\
details{margin:8px 0}@media(max-width:800px){.two{display:block}}";

/// What the page is made of.
pub(crate) struct Page<'p> {
    pub(crate) evaluation: &'p Evaluation,
    pub(crate) outcomes: &'p [Outcome],
    pub(crate) catalog: &'p Catalog,
    pub(crate) view: &'p View,
    pub(crate) model: &'p Model<'p>,
    pub(crate) licence: Option<&'p str>,
}

/// The page.
///
/// # Errors
/// Whatever drawing fails with.
pub(crate) fn html(page: &Page<'_>) -> Result<String> {
    let evaluation = page.evaluation;
    let mut out = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    out += "<meta name=\"viewport\" content=\"width=device-width\"><title>Unisono: evaluation</title>\n";
    out += &format!("<style>{STYLE}</style></head><body>\n<h1>Evaluation of a Unisono model</h1>\n");
    let cases = evaluation.groups.first().map_or(0, |all| all.cases);
    out += &format!(
        "<p>Model <code>{}</code><br>{} cases from <code>{}</code>. Whiskers and brackets are 95 % intervals by the bootstrap over \
profiles ({} draws, seed {}).</p>\n",
        &evaluation.model_id[..16],
        super::grouped(cases as u64),
        escape(&evaluation.cases_from),
        super::grouped(evaluation.draws as u64),
        evaluation.seed
    );
    if let Some(all) = evaluation.groups.first() {
        out +=
            "<h2>Accuracy</h2><p class=\"note\">Means over cases; higher is better. The scale differs by panel.</p>\n";
        out += &plots::metric_bars(all, &BARS)?;
        out += &figures_table(all);
    }
    let lengths: Vec<&Group> = evaluation.groups.iter().filter(|group| group.by == "history").collect();
    if !lengths.is_empty() {
        out += "<h2>Accuracy by history length</h2><p class=\"note\">What a case's history holds; lengths of fewer than 30 \
cases are left out.</p>\n";
        out += &plots::by_history(&lengths, "recall@20", "baskets in the history (views, where nothing was bought)")?;
    }
    out += &groups_table(&evaluation.groups);
    if !evaluation.calibration.is_empty() {
        let error = evaluation.groups.first().and_then(|all| all.reached.first()?.calibration_error);
        let error = error.map(|figure| format!("Calibration error {}. ", bracket(&figure))).unwrap_or_default();
        out += &format!(
            "<h2>Calibration</h2><p class=\"note\">{error}Chances of recommended items in {} bins of equal count; on the \
diagonal the predicted chance is what happened.</p>\n",
            evaluation.calibration.len()
        );
        out += &plots::calibration(&evaluation.calibration)?;
    }
    let total = page.view.brotli.unwrap_or(0) as f64 / 1_000.0;
    out += &format!(
        "<h2>Size</h2><p class=\"note\">{:.0} KB, of which a browser downloads {total:.0} KB (brotli, quality 11, sections apart). \
1 KB is 1,000 bytes.</p>\n",
        page.view.bytes as f64 / 1_000.0
    );
    out += &plots::sizes(page.view)?;
    out += &examples(page);
    out += &card::html(page);
    out += "</body></html>\n";
    Ok(out)
}

/// Text as HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn bracket(figure: &Figure) -> String {
    format!("{:.4} <small>[{:.4}, {:.4}]</small>", figure.value, figure.low, figure.high)
}

fn signed(figure: &Figure) -> String {
    format!("{:+.4} <small>[{:+.4}, {:+.4}]</small>", figure.value, figure.low, figure.high)
}

fn cell(figure: Option<&Figure>, shown: fn(&Figure) -> String) -> String {
    format!("<td class=\"n\">{}</td>", figure.map(shown).unwrap_or_default())
}

fn figures_table(all: &Group) -> String {
    let mut out = String::from("<details open><summary>All measures</summary><table><tr><th>measure</th>");
    all.reached.iter().for_each(|one| out += &format!("<th class=\"n\">{}</th>", one.answerer));
    all.differences.iter().for_each(|one| out += &format!("<th class=\"n\">model - {}</th>", one.minus));
    out += "</tr>\n";
    for measure in MEASURES {
        let _ = write!(out, "<tr><td>{measure}</td>");
        all.reached.iter().for_each(|one| out += &cell(one.figures.get(measure), bracket));
        all.differences.iter().for_each(|one| out += &cell(one.figures.get(measure), signed));
        out += "</tr>\n";
    }
    out += "<tr><td>coverage</td>";
    all.reached.iter().for_each(|one| out += &format!("<td class=\"n\">{:.4}</td>", one.coverage));
    out + "</tr></table></details>\n"
}

fn groups_table(groups: &[Group]) -> String {
    let mut out = String::from(
        "<details><summary>By channel, store, segment and history length</summary><table><tr><th>cases with</th><th class=\"n\">cases\
</th><th class=\"n\">recall@20</th><th class=\"n\">ndcg@20</th><th class=\"n\">mrr@20</th><th class=\"n\">recall@20, model - \
personal</th><th class=\"n\">calibration error</th><th class=\"n\">by chance</th></tr>\n",
    );
    for group in groups.iter().filter(|group| group.by != "all") {
        let Some(model) = group.reached.first() else { continue };
        let _ = write!(out, "<tr><td>{} {}</td><td class=\"n\">{}</td>", group.by, escape(&group.value), group.cases);
        for measure in ["recall@20", "ndcg@20", "mrr@20"] {
            out += &cell(model.figures.get(measure), bracket);
        }
        out += &cell(group.differences.first().and_then(|one| one.figures.get("recall@20")), signed);
        out += &cell(model.calibration_error.as_ref(), bracket);
        let chance = model.calibration_by_chance.map(|chance| format!("{chance:.4}")).unwrap_or_default();
        let _ = writeln!(out, "<td class=\"n\">{chance}</td></tr>");
    }
    out + "</table></details>\n"
}

/// Cases at equal distances in the order of their history's length: not picked for how they look.
fn examples(page: &Page<'_>) -> String {
    let mut order: Vec<&Outcome> = page.outcomes.iter().filter(|outcome| !outcome.reasons.is_empty()).collect();
    order.sort_by(|a, b| a.history.cmp(&b.history).then(a.case.cmp(&b.case)));
    let mut out = String::from(
        "<h2>Examples</h2><p class=\"note\">Cases at equal distances in the order of their history's length, not picked for \
how they look. Green: taken.</p><div class=\"two\">\n",
    );
    let count = EXAMPLES.min(order.len());
    for number in 0..count {
        let outcome = order[(2 * number + 1) * order.len() / (2 * count)];
        let found = outcome.lists[0].iter().filter(|id| outcome.truth.contains(*id)).count();
        let recent: Vec<String> = outcome.recent.iter().map(|id| title(page, id)).collect();
        let _ = write!(
            out,
            "<div><h3>{} baskets or views; {found} of {} taken items among the first 20</h3><p class=\"note\">Last: {}</p><table>",
            outcome.history,
            outcome.truth.len(),
            if recent.is_empty() { "nothing yet".into() } else { recent.join(", ") }
        );
        for (at, (id, reasons)) in outcome.lists[0].iter().zip(&outcome.reasons).take(PLACES).enumerate() {
            let class = if outcome.truth.contains(id) { " class=\"hit\"" } else { "" };
            let chance =
                outcome.chances.get(at).copied().flatten().map(|chance| format!("{:.1}\u{a0}%", chance * 100.0));
            let _ = write!(
                out,
                "<tr{class}><td class=\"n\">{}</td><td>{} <small>{}</small></td><td>{}</td><td class=\"n\">{}</td></tr>",
                at + 1,
                title(page, id),
                escape(id),
                escape(&reasons.join(", ").replace('_', " ")),
                chance.unwrap_or_default()
            );
        }
        out += "</table></div>\n";
    }
    out + "</div>\n"
}

/// The title of a product, or its id.
fn title(page: &Page<'_>, id: &str) -> String {
    let known = page.catalog.items.get(id).map(|item| item.title.as_str()).filter(|title| !title.is_empty());
    escape(known.unwrap_or(id))
}
