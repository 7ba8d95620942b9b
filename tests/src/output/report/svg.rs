//! A writer of SVG with the shapes that the plots need. All text is escaped.

use std::fmt::{self, Display, Write};

use crate::format::markup::Escaped;

/// An SVG picture under construction.
#[derive(Clone, Debug)]
pub struct Svg {
    width: f64,
    height: f64,
    title: String,
    body: String,
}

/// The anchor of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The text begins at the position.
    Start,
    /// The middle of the text is at the position.
    Middle,
    /// The text ends at the position.
    End,
}

/// The colors of the plots' classes. The page defines its own colors for these classes.
const STYLE: &str = include_str!("assets/plot.css");

impl Svg {
    /// Creates an empty picture. Screen readers use the title as its name.
    #[must_use]
    pub fn new(width: f64, height: f64, title: &str) -> Svg {
        Svg { width, height, title: title.to_owned(), body: String::new() }
    }

    /// Adds a straight line.
    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.element(format_args!(
            r#"<line class="{class}" x1="{}" y1="{}" x2="{}" y2="{}"/>"#,
            Number(x1),
            Number(y1),
            Number(x2),
            Number(y2)
        ));
    }

    /// Adds a rectangle, with a text that appears on hovering.
    pub fn rect(&mut self, class: &str, at: (f64, f64), size: (f64, f64), hover: &str) {
        let rect = format!(
            r#"<rect class="{class}" x="{}" y="{}" width="{}" height="{}""#,
            Number(at.0),
            Number(at.1),
            Number(size.0.max(0.0)),
            Number(size.1.max(0.0))
        );
        if hover.is_empty() {
            self.element(format_args!("{rect}/>"));
        } else {
            self.element(format_args!("{rect}><title>{}</title></rect>", Escaped(hover)));
        }
    }

    /// Adds a text.
    pub fn text(&mut self, class: &str, at: (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.element(format_args!(
            r#"<text class="{class}" x="{}" y="{}" text-anchor="{anchor}">{}</text>"#,
            Number(at.0),
            Number(at.1),
            Escaped(text)
        ));
    }

    /// Adds a line through these points. A NaN point interrupts the line.
    pub fn polyline(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut path = String::new();
        let mut begins = true;
        for (x, y) in points {
            if x.is_nan() || y.is_nan() {
                begins = true;
                continue;
            }
            // A line with one point is a dot. Writing to a string cannot fail.
            let command = if begins { "M" } else { "L" };
            let _ = write!(
                path,
                "{command}{} {}{}",
                Number(x),
                Number(y),
                if begins { "h0" } else { "" }
            );
            begins = false;
        }
        self.path(class, &path);
    }

    /// Adds a dot at each of these points: one path with round line caps as dots.
    pub fn dots(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for (x, y) in points {
            let _ = write!(path, "M{} {}h0", Number(x), Number(y));
        }
        self.path(class, &path);
    }

    fn path(&mut self, class: &str, path: &str) {
        if !path.is_empty() {
            self.element(format_args!(r#"<path class="{class}" d="{path}"/>"#));
        }
    }

    fn element(&mut self, element: fmt::Arguments<'_>) {
        let _ = writeln!(self.body, "{element}");
    }

    /// Returns the picture for a page that defines the colors of the classes.
    #[must_use]
    pub fn inline(&self) -> String {
        self.with_style("", "")
    }

    /// Returns the picture as a file of its natural size, for light and dark themes.
    #[must_use]
    pub fn file(&self) -> String {
        let paper = r#"<rect class="paper" width="100%" height="100%"/>"#;
        let size = format!(r#" width="{}" height="{}""#, Number(self.width), Number(self.height));
        self.with_style(&size, &format!("<style>{STYLE}</style>\n{paper}\n"))
    }

    fn with_style(&self, size: &str, style: &str) -> String {
        let Svg { width, height, title, body } = self;
        let (width, height, title) = (Number(*width), Number(*height), Escaped(title));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture\"{size} \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">\n\
             <title>{title}</title>\n{style}{body}</svg>\n"
        )
    }
}

/// A coordinate with a resolution of a tenth, which is sufficient on a screen.
struct Number(f64);

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round();
        if !tenths.is_finite() {
            f.write_str("0")
        } else if tenths % 10.0 == 0.0 {
            write!(f, "{:.0}", tenths / 10.0 + 0.0)
        } else {
            write!(f, "{:.1}", tenths / 10.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_written_with_short_coordinates() {
        let mut svg = Svg::new(100.0, 50.0, "a plot");
        svg.line("grid", (0.0, 0.25), (10.04, f64::NAN));
        svg.polyline("s0", [(0.0, 1.0), (2.55, 3.0), (f64::NAN, 0.0), (7.0, 8.0)]);
        svg.dots("s1", [(1.0, 2.0), (-0.01, 4.0)]);
        svg.polyline("s2", []);
        let text = svg.inline();
        for part in [
            r#"viewBox="0 0 100 50""#,
            r#"<line class="grid" x1="0" y1="0.3" x2="10" y2="0"/>"#,
            r#"<path class="s0" d="M0 1h0L2.6 3M7 8h0"/>"#,
            r#"<path class="s1" d="M1 2h0M0 4h0"/>"#,
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("s2"), "{text}");
    }

    #[test]
    fn hostile_text_is_escaped() {
        let hostile = "</text><script>alert('x')</script>\u{0}\"&";
        let mut svg = Svg::new(10.0, 10.0, hostile);
        svg.text("label", (0.0, 0.0), Anchor::Start, hostile);
        svg.rect("band", (0.0, 0.0), (1.0, 1.0), hostile);
        let text = svg.file();
        assert!(!text.contains("<script"), "{text}");
        assert!(!text.contains('\0'));
        let escaped =
            "&lt;/text&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;\u{fffd}&quot;&amp;";
        assert_eq!(text.matches(escaped).count(), 4, "{text}");
    }
}
