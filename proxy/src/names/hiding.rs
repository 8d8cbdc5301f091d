//! Names that carry something out: how a name must look to be asked for.
use tollgate_config::settings::NameLimits;

/// Shorter texts say too little about how random they are.
const MEASURED_FROM: usize = 16;

/// Why a name is not asked for, or nothing. `chosen` is the part of it that the agent chose.
pub fn why(name: &str, chosen: &str, limits: &NameLimits) -> Option<&'static str> {
    let mut labels = name.split('.');
    if name.len() > limits.name_bytes {
        return Some("the name is too long");
    }
    if labels.clone().count() > limits.labels {
        return Some("the name has too many labels");
    }
    if labels.any(|label| label.len() > limits.label_bytes) {
        return Some("a label is too long");
    }
    if chosen.len() > limits.chosen_bytes {
        return Some("what the list leaves open is too long");
    }
    looks_random(chosen, limits.entropy_tenths).then_some("the name looks random")
}

/// Whether a text looks like data rather than words: many different characters, or many digits.
fn looks_random(chosen: &str, entropy_tenths: u32) -> bool {
    // Joined, or the same could be cut into short labels.
    let text = chosen.bytes().filter(|byte| *byte != b'.').collect::<Vec<_>>();
    if text.len() < MEASURED_FROM {
        return false;
    }
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    digits * 5 > text.len() || entropy(&text) * 10.0 > f64::from(entropy_tenths)
}

/// Bits for each character, by how often each occurs.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = std::collections::BTreeMap::<u8, f64>::new();
    for byte in text {
        *counts.entry(*byte).or_default() += 1.0;
    }
    let total = counts.values().sum::<f64>();
    -counts.values().map(|count| count / total * (count / total).log2()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_pass_and_data_does_not() {
        let limits = NameLimits::default();
        for chosen in [
            "",
            "api",
            "www",
            "pkg-containers",
            "registry-1",
            "security.debian",
            "objects-origin",
            "elasticloadbalancing",
            "s3.eu-central-1",
            "release-assets.mirror",
            "production-registry-mirror",
            "index.crates",
            "raw.githubusercontent",
        ] {
            let name =
                if chosen.is_empty() { "a.test".to_owned() } else { format!("{chosen}.a.test") };
            assert_eq!(why(&name, chosen, &limits), None, "{chosen}");
        }
        for chosen in [
            "8f14e45fceea167a5a36dedd4bea2543",
            "mfrggzdfmztwq2lknnwg23tpobyxe43u",
            "73656372.65742076.616c7565",
            "c2vjcmv0ihzhbhvlig9mig15",
            "4111111111111111",
            "g7k.x2q.m9z.p4w.t8r.b5n",
            "qzxwvkjhgfpbmnrtlcdsy",
        ] {
            assert!(why(&format!("{chosen}.a.test"), chosen, &limits).is_some(), "{chosen}");
        }
    }

    #[test]
    fn lengths_have_bounds() {
        let limits = NameLimits {
            name_bytes: 40,
            label_bytes: 20,
            labels: 5,
            chosen_bytes: 12,
            ..NameLimits::default()
        };
        for (name, chosen, expect) in [
            ("a.b.c.d.test", "a", None),
            ("a.b.c.d.e.test", "", Some("the name has too many labels")),
            ("aaaaaaaaaaaaaaaaaaaaa.test", "", Some("a label is too long")),
            ("aaaaaaaaaaaaaaa.aaaaaaaaaaaaaaa.aaaaaaaaaa.test", "", Some("the name is too long")),
            ("aaaaaa.aaaaaa.test", "aaaaaa.aaaaaa", Some("what the list leaves open is too long")),
        ] {
            assert_eq!(why(name, chosen, &limits), expect, "{name}");
        }
    }
}
