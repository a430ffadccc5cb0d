//! The report's plots, as SVG.

use crate::commands::inspect::View;
use crate::error::{Error, Result};
use crate::eval::{Bin, Figure, Group};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const WIDTH: u32 = 1_120;
const INK: RGBColor = RGBColor(38, 42, 51);
const GREY: RGBColor = RGBColor(208, 212, 220);
/// Model, personal, popular, against: apart in hue and in lightness (Okabe and Ito's palette).
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(230, 159, 0), RGBColor(140, 145, 155), RGBColor(0, 158, 115)];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Whatever the plotting library answers.
fn failed(error: impl std::fmt::Display) -> Error {
    Error::config("report", format!("can't be drawn: {error}"))
}

fn svg(height: u32, draw: impl FnOnce(&Area<'_>) -> Result<()>) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        draw(&area)?;
        area.present().map_err(failed)?;
    }
    // The page may be narrower than the plot.
    Ok(text.replacen("<svg ", &format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" "), 1))
}

fn style(size: i32, colour: RGBColor, h: HPos, v: VPos) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&colour).pos(Pos::new(h, v))
}

fn text(area: &Area<'_>, label: &str, style: &TextStyle<'_>, at: (i32, i32)) -> Result<()> {
    area.draw_text(label, style, at).map_err(failed)
}

/// The answerers' names with their colours, in a row from `x`.
fn legend(area: &Area<'_>, names: &[&str], mut x: i32, y: i32) -> Result<()> {
    for (name, colour) in names.iter().zip(COLOURS) {
        area.draw(&Rectangle::new([(x, y - 6), (x + 12, y + 6)], colour.filled())).map_err(failed)?;
        text(area, name, &style(14, INK, HPos::Left, VPos::Center), (x + 18, y))?;
        x += 34 + 9 * name.len() as i32;
    }
    Ok(())
}

fn names(group: &Group) -> Vec<&str> {
    group.reached.iter().map(|one| one.answerer.as_str()).collect()
}

/// A step of 1, 2 or 5 times a power of ten that cuts `top` into at most five.
fn step(top: f64) -> f64 {
    let power = 10f64.powf((top / 5.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|n| n * power).into_iter().find(|step| top / step <= 5.0).unwrap_or(top)
}

/// Whole steps that reach above `top`, 0 to 1 at most where it is a share.
fn ceiling(top: f64) -> f64 {
    let step = step(top.max(1e-9));
    (top.max(1e-9) / step).ceil() * step
}

fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Bars with intervals, a panel per metric, because their scales differ.
pub(super) fn metric_bars(group: &Group, metrics: &[&str]) -> Result<String> {
    svg(320, |area| {
        legend(area, &names(group), 20, 18)?;
        let (_, panels) = area.split_vertically(36);
        for (panel, metric) in panels.split_evenly((1, metrics.len())).iter().zip(metrics) {
            bar_panel(panel, group, metric)?;
        }
        Ok(())
    })
}

fn bar_panel(panel: &Area<'_>, group: &Group, metric: &str) -> Result<()> {
    let figures: Vec<Option<&Figure>> = group.reached.iter().map(|one| one.figures.get(metric)).collect();
    let top = ceiling(figures.iter().flatten().map(|figure| figure.high).fold(0.0, f64::max) * 1.08);
    let (width, _) = panel.dim_in_pixel();
    text(panel, metric, &style(15, INK, HPos::Center, VPos::Top), (width as i32 / 2 + 18, 2))?;
    let mut chart = ChartBuilder::on(panel)
        .margin_top(26)
        .margin_right(8)
        .y_label_area_size(42)
        .x_label_area_size(10)
        .build_cartesian_2d(0.0..figures.len() as f64, 0.0..top)
        .map_err(failed)?;
    grid(&mut chart, top)?;
    for (at, (figure, colour)) in figures.iter().zip(COLOURS).enumerate() {
        let Some(figure) = figure else { continue };
        let middle = at as f64 + 0.5;
        let bar = Rectangle::new([(at as f64 + 0.18, 0.0), (at as f64 + 0.82, figure.value)], colour.filled());
        let whisker = ErrorBar::new_vertical(middle, figure.low, figure.value, figure.high, INK.stroke_width(2), 10);
        chart.draw_series([bar]).map_err(failed)?;
        chart.draw_series([whisker]).map_err(failed)?;
        let label = style(13, INK, HPos::Center, VPos::Bottom);
        let label = EmptyElement::at((middle, figure.high)) + Text::new(number(figure.value), (0, -5), label);
        chart.draw_series([label]).map_err(failed)?;
    }
    Ok(())
}

type Chart<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

/// Horizontal lines with their values; what stands on the x axis is drawn by hand, because it is names.
fn grid(chart: &mut Chart<'_, '_>, top: f64) -> Result<()> {
    let lines = (top / step(top)).round() as usize + 1;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(0)
        .y_labels(lines)
        .y_label_formatter(&|value| number(*value))
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY)
        .axis_style(GREY)
        .label_style(style(12, INK, HPos::Left, VPos::Center))
        .draw()
        .map_err(failed)
}

/// A metric with its intervals by history length, the answerers side by side.
pub(super) fn by_history(groups: &[&Group], metric: &str, unit: &str) -> Result<String> {
    svg(360, |area| {
        let Some(first) = groups.first() else { return Ok(()) };
        legend(area, &names(first), 20, 18)?;
        let (_, panel) = area.split_vertically(34);
        let figures = groups.iter().flat_map(|group| &group.reached).filter_map(|one| one.figures.get(metric));
        let top = ceiling(figures.map(|figure| figure.high).fold(0.0, f64::max) * 1.05);
        let mut chart = ChartBuilder::on(&panel)
            .margin_top(12)
            .margin_right(16)
            .y_label_area_size(70)
            .x_label_area_size(56)
            .build_cartesian_2d(0.0..groups.len() as f64, 0.0..top)
            .map_err(failed)?;
        grid(&mut chart, top)?;
        for (at, group) in groups.iter().enumerate() {
            let width = 0.16;
            let from = at as f64 + 0.5 - width * (group.reached.len() as f64 - 1.0) / 2.0;
            for (who, (one, colour)) in group.reached.iter().zip(COLOURS).enumerate() {
                let Some(f) = one.figures.get(metric) else { continue };
                let x = from + width * who as f64;
                let whisker = ErrorBar::new_vertical(x, f.low, f.value, f.high, colour.stroke_width(2), 8);
                chart.draw_series([whisker]).map_err(failed)?;
                chart.draw_series([Circle::new((x, f.value), 5, colour.filled())]).map_err(failed)?;
            }
            let middle = EmptyElement::at((at as f64 + 0.5, 0.0));
            let label = style(14, INK, HPos::Center, VPos::Top);
            let cases = style(12, RGBColor(95, 100, 112), HPos::Center, VPos::Top);
            chart
                .draw_series([middle
                    + Text::new(group.value.clone(), (0, 6), label)
                    + Text::new(format!("{} cases", group.cases), (0, 22), cases)])
                .map_err(failed)?;
        }
        let (width, height) = panel.dim_in_pixel();
        let middle = style(14, INK, HPos::Center, VPos::Bottom);
        text(&panel, unit, &middle, (width as i32 / 2, height as i32 - 2))?;
        let upright = style(14, INK, HPos::Center, VPos::Top).transform(FontTransform::Rotate270);
        text(&panel, metric, &upright, (8, height as i32 / 2))
    })
}

/// Predicted chances against shares that happened.
pub(super) fn calibration(bins: &[Bin]) -> Result<String> {
    svg(440, |area| {
        let top = ceiling(bins.iter().map(|bin| bin.predicted.max(bin.observed)).fold(0.0, f64::max) * 1.05);
        let (width, height) = area.dim_in_pixel();
        let side = height as i32 + 60;
        let left = (width as i32 - side) / 2;
        let panel = area.margin(4, 4, left, left);
        let mut chart = ChartBuilder::on(&panel)
            .margin_top(10)
            .margin_right(10)
            .y_label_area_size(70)
            .x_label_area_size(52)
            .build_cartesian_2d(0.0..top, 0.0..top)
            .map_err(failed)?;
        let lines = (top / step(top)).round() as usize + 1;
        chart
            .configure_mesh()
            .x_labels(lines)
            .y_labels(lines)
            .x_label_formatter(&|value| number(*value))
            .y_label_formatter(&|value| number(*value))
            .x_desc("mean predicted chance of the bin")
            .y_desc("share that was taken")
            .light_line_style(TRANSPARENT)
            .bold_line_style(GREY)
            .axis_style(GREY)
            .label_style(("sans-serif", 12).into_font().color(&INK))
            .axis_desc_style(("sans-serif", 14).into_font().color(&INK))
            .draw()
            .map_err(failed)?;
        chart.draw_series(LineSeries::new([(0.0, 0.0), (top, top)], INK.mix(0.5))).map_err(failed)?;
        let points = bins.iter().map(|bin| (bin.predicted, bin.observed));
        chart.draw_series(LineSeries::new(points.clone(), COLOURS[0].stroke_width(2))).map_err(failed)?;
        chart.draw_series(points.map(|at| Circle::new(at, 4, COLOURS[0].filled()))).map_err(failed)?;
        Ok(())
    })
}

/// Differences with their intervals, a line each, to the left and right of nothing lost.
pub(super) fn differences(rows: &[(&str, Figure)], unit: &str) -> Result<String> {
    let row = 28;
    let height = 64 + row * rows.len() as i32;
    svg(height as u32, |area| {
        let most = rows.iter().flat_map(|(_, figure)| [figure.low.abs(), figure.high.abs()]).fold(0.0, f64::max);
        let step = step(ceiling(most));
        let (left, right) = (240, WIDTH as i32 - 90);
        let low = (rows.iter().map(|(_, figure)| figure.low).fold(0.0, f64::min) / step).floor() * step;
        let high = (rows.iter().map(|(_, figure)| figure.high).fold(0.0, f64::max) / step).ceil() * step;
        let x = |value: f64| left + (f64::from(right - left) * (value - low) / (high - low).max(1e-12)).round() as i32;
        let bottom = height - 44;
        for at in 0..=((high - low) / step).round() as i32 {
            let value = low + f64::from(at) * step;
            let colour = if value.abs() < step / 2.0 { INK } else { GREY };
            area.draw(&PathElement::new([(x(value), 8), (x(value), bottom)], colour)).map_err(failed)?;
            text(area, &format!("{value:+.3}"), &style(12, INK, HPos::Center, VPos::Top), (x(value), bottom + 5))?;
        }
        for (at, (name, figure)) in rows.iter().enumerate() {
            let y = 22 + row * at as i32;
            text(area, name, &style(14, INK, HPos::Right, VPos::Center), (left - 14, y))?;
            let line = PathElement::new([(x(figure.low), y), (x(figure.high), y)], COLOURS[0].stroke_width(2));
            area.draw(&line).map_err(failed)?;
            area.draw(&Circle::new((x(figure.value), y), 5, COLOURS[0].filled())).map_err(failed)?;
            text(area, &format!("{:+.4}", figure.value), &style(12, INK, HPos::Left, VPos::Center), (right + 16, y))?;
        }
        text(area, unit, &style(14, INK, HPos::Center, VPos::Bottom), ((left + right) / 2, height - 2))
    })
}

/// Sections told by name; the smaller ones stand together.
const SECTIONS: usize = 12;

/// Bytes by section, raw and compressed.
pub(super) fn sizes(view: &View) -> Result<String> {
    let mut parts: Vec<(String, usize, usize)> =
        view.sections.iter().map(|part| (part.name.clone(), part.bytes, part.brotli.unwrap_or(0))).collect();
    parts.push(("(root)".into(), view.root_bytes, view.root_brotli.unwrap_or(0)));
    parts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let rest = parts.split_off(parts.len().min(SECTIONS));
    if !rest.is_empty() {
        let sum = |of: fn(&(String, usize, usize)) -> usize| rest.iter().map(of).sum();
        parts.push((format!("({} smaller ones)", rest.len()), sum(|part| part.1), sum(|part| part.2)));
    }
    let row = 30;
    svg(50 + row as u32 * parts.len() as u32, |area| {
        for (name, colour, x) in [("raw", COLOURS[2], 230), ("brotli", COLOURS[0], 300)] {
            area.draw(&Rectangle::new([(x, 10), (x + 12, 22)], colour.filled())).map_err(failed)?;
            text(area, name, &style(14, INK, HPos::Left, VPos::Center), (x + 18, 16))?;
        }
        let most = parts.iter().map(|part| part.1).max().unwrap_or(1).max(1) as f64;
        let length = |bytes: usize| (f64::from(WIDTH as i32 - 350) * bytes as f64 / most).round() as i32;
        for (at, (name, raw, brotli)) in parts.iter().enumerate() {
            let y = 38 + row * at as i32;
            text(area, name, &style(13, INK, HPos::Right, VPos::Center), (220, y + 10))?;
            for (bytes, colour, from) in [(raw, COLOURS[2], y), (brotli, COLOURS[0], y + 11)] {
                let corners = [(230, from), (230 + length(*bytes).max(1), from + 9)];
                area.draw(&Rectangle::new(corners, colour.filled())).map_err(failed)?;
            }
            let kb = |bytes: &usize| format!("{:.1}", *bytes as f64 / 1_000.0);
            let label = format!("{} / {} KB", kb(raw), kb(brotli));
            text(area, &label, &style(12, INK, HPos::Left, VPos::Center), (238 + length(*raw).max(1), y + 10))?;
        }
        Ok(())
    })
}
