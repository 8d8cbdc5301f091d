//! A picture of what a call costs each proxy, drawn from a report.
use std::fmt::Write as _;

use serde_json::Value;

use crate::report::Report;

/// What is shown, in this order, when it was measured; and what it is called.
const SCENES: [(&str, &str); 6] = [
    ("rest_1k", "HTTP, 1 KiB each way"),
    ("rest_16k", "HTTP, 16 KiB each way"),
    ("mcp_1k", "MCP tool call, 1 KiB each way"),
    ("mcp_16k", "MCP tool call, 16 KiB each way"),
    ("sse_http", "HTTP, 200 events streamed back"),
    ("sse_mcp", "MCP, 200 events streamed back"),
];
const COLUMNS: usize = 2;
const WIDTH: f64 = 400.0;
const BAR: f64 = 16.0;
const STEP: f64 = 22.0;
/// Where bars begin; below, how long the longest may be.
const LEFT: f64 = 92.0;
const LONGEST: f64 = 240.0;
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#24292f}.head{font-weight:600}\
    .note{fill:#6e7781}.other{fill:#8c959f}.gate{fill:#0969da}.one{stroke:#cf222e;stroke-dasharray:3 3}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.note{fill:#8d96a0}.gate{fill:#4493f8}}";

/// A proxy and its processor time of a call, as a ratio to the bare pass-through's.
struct Row<'a> {
    proxy: &'a str,
    ratio: f64,
}

/// An SVG; `None` when the report has nothing that is shown.
#[must_use]
pub fn draw(report: &Report) -> Option<String> {
    let panels: Vec<(&str, Vec<Row<'_>>)> = SCENES
        .iter()
        .filter_map(|(name, title)| {
            Some((*title, rows(report.tables.get(&format!("path/{name}"))?)))
        })
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    let most = panels.iter().map(|(_, rows)| rows.len()).max()?;
    let all = panels.iter().flat_map(|(_, rows)| rows).map(|row| row.ratio);
    let scale = LONGEST / all.fold(1.0, f64::max);
    let height = STEP * (most as f64 + 2.0);
    let (across, down) = (WIDTH * COLUMNS as f64, height * panels.len().div_ceil(COLUMNS) as f64);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {across} {}\" role=\"img\">\
         <title>Processor time of a call, as a multiple of a bare pingora pass-through</title>\
         <style>{STYLE}</style>\n<text x=\"8\" y=\"18\" class=\"note\">Processor time of a call, as a \
         multiple of a bare pingora pass-through (dashed: 1). Shorter is better.</text>\n",
        down + 28.0
    );
    for (nth, (title, rows)) in panels.iter().enumerate() {
        let (x, y) = ((nth % COLUMNS) as f64 * WIDTH, (nth / COLUMNS) as f64 * height + 28.0);
        let _ = writeln!(out, "<g transform=\"translate({x} {y})\">");
        panel(&mut out, title, rows, scale);
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    Some(out)
}

fn panel(out: &mut String, title: &str, rows: &[Row<'_>], scale: f64) {
    let _ = writeln!(out, "<text x=\"8\" y=\"18\" class=\"head\">{title}</text>");
    for (nth, Row { proxy, ratio }) in rows.iter().enumerate() {
        let (y, width) = (STEP * (nth as f64 + 1.2), ratio * scale);
        let kind = if proxy.starts_with("gate") { "gate" } else { "other" };
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{proxy}</text>\
             <rect class=\"{kind}\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{ratio:.2}</text>",
            LEFT - 6.0,
            y + 12.0,
            LEFT + width + 6.0,
            y + 12.0,
        );
    }
    let (x, end) = (LEFT + scale, STEP * (rows.len() as f64 + 1.2));
    let _ = writeln!(
        out,
        "<line class=\"one\" x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{end:.1}\"/>",
        STEP * 1.2
    );
}

/// All that were measured beside the bare one, whose own is always one.
fn rows(table: &Value) -> Vec<Row<'_>> {
    fn row(row: &Value) -> Option<Row<'_>> {
        let (proxy, ratio) = (row.get("proxy")?.as_str()?, row.get("of_bare")?.as_f64()?);
        (proxy != "bare").then_some(Row { proxy, ratio })
    }
    table.as_array().into_iter().flatten().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_measured_is_drawn() {
        let mut report = Report::default();
        assert_eq!(draw(&report), None);
        let table = json!([
            { "proxy": "direct", "of_bare": null },
            { "proxy": "bare", "of_bare": 1.0 },
            { "proxy": "nginx", "of_bare": 0.5 },
            { "proxy": "gate_all", "of_bare": 2.0 },
        ]);
        report.tables.insert("path/mcp_1k".to_owned(), table);
        let drawn = draw(&report).unwrap();
        assert_eq!(drawn.matches("<rect").count(), 2, "{drawn}");
        assert!(drawn.contains("width=\"240.0\"") && drawn.contains(">2.00<"), "{drawn}");
        assert!(drawn.contains("width=\"60.0\"") && drawn.contains(">nginx<"), "{drawn}");
        assert!(!drawn.contains(">bare<") && !drawn.contains(">direct<"), "{drawn}");
    }
}
