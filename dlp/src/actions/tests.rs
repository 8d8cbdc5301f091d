//! Masks, tokens and the vault.
use super::*;
use crate::engine::checks;

fn class(name: &'static str) -> Class {
    Class::from(name)
}

#[test]
fn masks_keep_what_tells_values_apart() {
    let stars = CardMask::Stars;
    for (name, given, expect) in [
        ("pci.pan", "4111 1111 1111 1111", Some("**** **** **** 1111")),
        ("pci.pan", "5500-0000-0000-0004", Some("****-****-****-0004")),
        ("pci.pan", "4242424242424242", Some("************4242")),
        ("gov_id.us_ssn", "123-45-6789", Some("123-**-****")),
        ("gov_id.in_aadhaar", "2345 6789 0124", Some("**** **** ****")),
        ("contact.email", "bob.smith@example.com", Some("bo***@example.com")),
        ("contact.email", "a+b@x.co", Some("a+***@x.co")),
        ("contact.email", "ab@x.co", Some("a***@x.co")),
        ("contact.phone", "+1 415-555-2671", Some("+* ***-***-****")),
        ("contact.phone", "(415) 555-2671", Some("(***) ***-****")),
        ("financial.iban", "DE89 3704 0044 0532 0130 00", Some("DE** **** **** **** **30 00")),
        ("financial.us_aba_routing", "021000021", Some("*********")),
        ("secret.generic", "hunter2hunter2", Some("********")),
        ("secret.aws_access_key", "AKIAQ7XW2RB4KDTS6VNZ", Some("AKIA********")),
        ("secret.openai", "sk-q7Xw2Rb9Kd4Ts6Vn1Zh8Gj3L", Some("sk-q7X********")),
        ("network.ip", "192.168.0.12", Some("***.***.*.**")),
        ("person.name", "Zoë Müller", Some("*** ******")),
        ("secret.private_key", "-----BEGIN PRIVATE KEY-----", None),
        // Escapes belong to what stands around.
        ("pci.pan", "4111\\u0020111111111111", None),
        ("contact.email", "bob%2Bx@example.com", None),
    ] {
        assert_eq!(mask::text(&class(name), given, stars).as_deref(), expect, "{name} {given}");
    }
}

#[test]
fn card_numbers_can_stay_numbers() {
    let pan = class("pci.pan");
    let luhn = |text: &str| {
        let digits: Vec<u8> =
            text.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect();
        checks::luhn(&digits)
    };
    for given in ["4111111111111111", "378282246310005", "6011000990139424", "4039838161911"] {
        assert!(luhn(given));
        for cards in [CardMask::Stars, CardMask::Digits, CardMask::Luhn] {
            let masked = mask::number(&pan, given, cards).unwrap();
            assert_eq!(masked.len(), given.len());
            assert!(
                masked.starts_with("99999")
                    && masked.as_bytes().ends_with(given.as_bytes().last_chunk::<4>().unwrap())
            );
            assert!(cards != CardMask::Luhn || luhn(&masked), "{masked}");
        }
    }
    let text = mask::text(&pan, "4111 1111 1111 1111", CardMask::Luhn).unwrap();
    assert!(luhn(&text) && text.starts_with("9999 9999 999") && text.ends_with(" 1111"), "{text}");
    assert_eq!(
        mask::number(&class("gov_id.us_ssn"), "514690360", CardMask::Stars).unwrap(),
        "100000000"
    );
    assert_eq!(mask::number(&pan, "4.11", CardMask::Stars), None);
}

#[test]
fn tokens_and_prints_are_keyed() {
    let (one, other) = (Means::new(b"one"), Means::new(b"other"));
    let pan = class("pci.pan");
    let token = one.replace(Action::Tokenise, &pan, "4111111111111111").unwrap();
    assert_eq!(token, one.replace(Action::Tokenise, &pan, "4111111111111111").unwrap());
    assert_ne!(token, one.replace(Action::Tokenise, &pan, "4242424242424242").unwrap());
    assert_ne!(token, other.replace(Action::Tokenise, &pan, "4111111111111111").unwrap());
    let body = token.strip_prefix("tok_pci.pan_").unwrap();
    assert_eq!(body.len(), 26);
    let print = one.replace(Action::Hash, &pan, "4111111111111111").unwrap();
    let body = print.strip_prefix("hmac_pci.pan_").unwrap();
    assert!(body.len() == 32 && body.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(Means::default().replace(Action::Hash, &pan, "4111111111111111").is_none());
    // RFC 4648 section 10, without padding and in lower case.
    for (bytes, text) in [("f", "my"), ("fo", "mzxq"), ("foobar", "mzxw6ytboi")] {
        assert_eq!(mark::base32(bytes.as_bytes()), text);
    }
    assert!(!format!("{one:?}").contains("111"));
}

#[test]
fn a_vault_is_bounded_and_knows_its_agents() {
    let vault = Vault::new(VaultLimits { seconds: 60, values: 2, agents: 2 });
    let find = |agent, token, now| vault.find(agent, token, now).map(|value| (*value).clone());
    vault.put("a", "t1", "v1", 0);
    assert_eq!(find("a", "t1", 59).as_deref(), Some("v1"));
    assert_eq!(find("a", "t1", 60), None);
    assert_eq!(find("b", "t1", 0), None);
    // What would have to be escaped somewhere does not come back.
    vault.put("a", "t2", "v\"2", 1);
    assert_eq!(find("a", "t2", 1), None);
    vault.put("a", "t3", "v3", 1);
    vault.put("a", "t4", "v4", 1);
    assert_eq!((find("a", "t1", 1), find("a", "t4", 1).as_deref()), (None, Some("v4")));
    vault.put("b", "t1", "v1", 2);
    vault.put("c", "t1", "v1", 3);
    assert_eq!((find("a", "t4", 3), find("b", "t1", 3).as_deref()), (None, Some("v1")));
    assert_eq!(vault.len(), 2);
    assert!(!format!("{vault:?}").contains("v1"));
}
