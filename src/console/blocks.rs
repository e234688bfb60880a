//! Slack's Block Kit as HTML, near enough to what a person sees in Slack.

use minijinja::HtmlEscape;
use serde_json::Value;

/// The blocks of a message as HTML. Whatever is not known here is shown as its JSON, never left out.
#[must_use]
pub fn html(blocks: &[Value]) -> String {
    blocks.iter().map(block).collect()
}

fn block(block: &Value) -> String {
    match block["type"].as_str() {
        Some("header") => format!("<p class=\"b-header\">{}</p>", text(&block["text"])),
        Some("section") => format!("<div class=\"b-section\">{}</div>", text(&block["text"])),
        Some("context") => {
            format!("<div class=\"b-context\">{}</div>", all(&block["elements"], text))
        }
        Some("actions") => {
            format!("<div class=\"b-actions\">{}</div>", all(&block["elements"], button))
        }
        Some("divider") => "<hr>".to_owned(),
        _ => format!("<pre>{}</pre>", HtmlEscape(&block.to_string())),
    }
}

fn all(elements: &Value, one: impl Fn(&Value) -> String) -> String {
    elements.as_array().into_iter().flatten().map(one).collect()
}

fn button(button: &Value) -> String {
    let class = if button["style"] == "primary" { "b-button primary" } else { "b-button" };
    let label = HtmlEscape(button["text"]["text"].as_str().unwrap_or_default()).to_string();
    match button["url"].as_str().filter(|url| url.starts_with("http")) {
        Some(url) => format!("<a class=\"{class}\" href=\"{}\">{label}</a>", HtmlEscape(url)),
        None => format!("<span class=\"{class}\">{label}</span>"),
    }
}

fn text(text: &Value) -> String {
    let raw = text["text"].as_str().unwrap_or_default();
    if text["type"] == "mrkdwn" {
        mrkdwn(raw)
    } else {
        HtmlEscape(raw).to_string().replace('\n', "<br>")
    }
}

/// Slack's mrkdwn: `*bold*`, `<url|label>`, and `&amp; &lt; &gt;` as they came.
fn mrkdwn(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len() * 2);
    let (mut rest, mut bold) = (raw, false);
    while let Some(at) = rest.find(['*', '<', '\n', '"']) {
        out.push_str(&rest[..at]);
        let special = &rest[at..];
        rest = &special[1..];
        match special.as_bytes()[0] {
            b'\n' => out.push_str("<br>"),
            b'"' => out.push_str("&quot;"),
            b'*' => {
                out.push_str(if bold { "</strong>" } else { "<strong>" });
                bold = !bold;
            }
            _ => {
                let Some((link, after)) = rest.split_once('>') else {
                    out.push_str("&lt;");
                    continue;
                };
                let (url, label) = link.split_once('|').unwrap_or((link, link));
                if url.starts_with("http") {
                    out.push_str(&format!("<a href=\"{}\">{label}</a>", url.replace('"', "%22")));
                } else {
                    out.push_str(&format!("<span class=\"b-mention\">{label}</span>"));
                }
                rest = after;
            }
        }
    }
    out.push_str(rest);
    if bold {
        out.push_str("</strong>");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names_and_links_stay_links() {
        let shown =
            mrkdwn("*15 days*: <https://x.test/1|Fennel &amp; Rye> &lt;!channel&gt;\n<@U1>");
        assert_eq!(
            shown,
            "<strong>15 days</strong>: <a href=\"https://x.test/1\">Fennel &amp; Rye</a> &lt;!channel&gt;<br><span class=\"b-mention\">@U1</span>"
        );
    }
}
