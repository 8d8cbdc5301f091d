//! Inspection: what its rules and detectors say about each other.
use std::collections::BTreeSet;

use serde::Deserialize;
use tollgate_dlp::{Class, DetectorMistake};

use crate::errata::Errata;
use crate::settings::{Dlp, DlpAction};
use crate::tree::{Node, Place};
use crate::words::{meant, shown};

pub(super) fn check(root: &Node, errata: &mut Errata) {
    let Some(node) = root.value("dlp") else { return };
    super::unique_in(node, "dlp.", "rules", "id", errata);
    super::unique_in(node, "dlp.", "grades", "detector", errata);
    // What has another form was told by the walk.
    let Ok(dlp) = Dlp::deserialize(serde_json::Value::from(node)) else { return };
    let detectors = dlp.engine_detectors();
    for mistake in detectors.mistakes() {
        detector(node, &mistake, errata);
    }
    let mut classes: BTreeSet<Class> = Class::all().into_iter().collect();
    classes.extend(detectors.classes());
    for (nth, rule) in dlp.rules.iter().enumerate() {
        let Some(place) = node.items("rules").get(nth) else { continue };
        let path = format!("dlp.rules[{nth}]");
        for (item, class) in rule.classes.iter().enumerate() {
            let path = format!("{path}.classes[{item}]");
            unknown(at(place, "classes", Some(item)), path, class, &classes, errata);
        }
        let passes = matches!(rule.action, DlpAction::Allow | DlpAction::Restore);
        for (key, list) in [
            ("allowed_destinations", &rule.allowed_destinations),
            ("blocked_destinations", &rule.blocked_destinations),
        ] {
            if passes && !list.is_empty() {
                errata
                    .add(
                        at(place, key, None),
                        format!("{path}.{key}"),
                        "a rule that lets pass has no such list",
                    )
                    .help("say with `destinations` where data may go");
            }
        }
    }
}

/// Tells of a class that nothing reports. What is malformed was told by the walk.
fn unknown(place: Place, path: String, text: &str, classes: &BTreeSet<Class>, errata: &mut Errata) {
    let known = match text.strip_suffix(".*") {
        Some(family) => classes.iter().any(|class| class.family() == family),
        None => text == "*" || classes.iter().any(|class| class.as_str() == text),
    };
    if known || crate::formats::check("dlp-class", text).is_err() {
        return;
    }
    let form = "a class such as `pci.pan`, a family such as `secret.*`, or `*`";
    let help = match meant(text, classes.iter().map(Class::as_str)) {
        Some(near) => format!("did you mean `{near}`? {form}"),
        None => form.to_owned(),
    };
    errata.add(place, path, format!("{} is not a class of findings", shown(text))).help(help);
}

fn detector(node: &Node, mistake: &DetectorMistake, errata: &mut Errata) {
    let DetectorMistake { nth, field, item, message, help, .. } = mistake;
    // Names in `off` and `grades` are a format of theirs.
    if mistake.list != "own" {
        return;
    }
    let place = match node.items("detectors").get(*nth) {
        Some(detector) => at(detector, field, *item),
        None => node.place.clone(),
    };
    let item = item.map_or_else(String::new, |item| format!("[{item}]"));
    errata
        .add(place, format!("dlp.detectors[{nth}].{field}{item}"), message.clone())
        .help(help.clone());
}

/// The place of a key's value, or of one of its items.
fn at(node: &Node, key: &str, item: Option<usize>) -> Place {
    let within = item.and_then(|item| node.items(key).get(item));
    within.map_or_else(|| super::place(node, key), |item| item.place.clone())
}
