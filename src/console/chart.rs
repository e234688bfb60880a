//! Stacked bars as inline SVG: positions and classes only, so that the style sheet says the colours.

use serde::Serialize;

/// A bar and the space to the next, in units of the drawing.
const PITCH: f64 = 21.0;
const WIDTH: f64 = 16.0;

/// The foot of all bars, and how high the highest is.
const FOOT: f64 = 128.0;
const HIGHEST: f64 = 100.0;

/// A part of a bar.
pub(super) struct Part {
    /// `sent` is drawn as `f-sent`.
    pub(super) class: &'static str,
    pub(super) count: i64,
}

/// A drawing.
#[derive(Serialize)]
pub(super) struct Chart {
    width: f64,
    rects: Vec<Rect>,
    labels: Vec<Label>,
    /// What stands above the highest bar.
    top: Option<Label>,
}

#[derive(Serialize)]
struct Rect {
    class: &'static str,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

#[derive(Serialize)]
struct Label {
    x: f64,
    y: f64,
    text: String,
}

impl Chart {
    /// Bars from left to right: a label, which may be empty, and parts from the foot up.
    pub(super) fn new(bars: impl IntoIterator<Item = (String, Vec<Part>)>) -> Self {
        let bars: Vec<_> = bars.into_iter().collect();
        let total = |parts: &[Part]| parts.iter().map(|part| part.count.max(0)).sum::<i64>();
        let most = bars.iter().map(|(_, parts)| total(parts)).max().unwrap_or_default();
        let mut chart = Self { width: 10.0, rects: Vec::new(), labels: Vec::new(), top: None };
        for (label, parts) in &bars {
            let (x, mut y) = (chart.width, FOOT);
            for part in parts.iter().filter(|part| part.count > 0) {
                // Whatever there is at all can be seen.
                let height = (scaled(part.count, most) * HIGHEST).max(1.5);
                y -= height;
                let rect = Rect {
                    class: part.class,
                    x,
                    y: tenths(y),
                    width: WIDTH,
                    height: tenths(height),
                };
                chart.rects.push(rect);
            }
            let middle = x + WIDTH / 2.0;
            if !label.is_empty() {
                chart.labels.push(Label { x: middle, y: 144.0, text: label.clone() });
            }
            if chart.top.is_none() && most > 0 && total(parts) == most {
                chart.top = Some(Label { x: middle, y: tenths(y - 5.0), text: most.to_string() });
            }
            chart.width += PITCH;
        }
        chart.width += 5.0;
        chart
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of messages are far below 2^52")]
fn scaled(count: i64, most: i64) -> f64 {
    count as f64 / most.max(1) as f64
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
