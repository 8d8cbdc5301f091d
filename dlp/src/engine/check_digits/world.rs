//! Check digits of identifiers that no one country gives out.
use super::{any, digit, digit_at, is_one_digit, luhn, part, rest_97};

/// IMEI (3GPP TS 23.003, annex B): fourteen digits and Luhn.
pub(crate) fn imei(id: &[u8]) -> bool {
    id.len() == 15 && luhn(id)
}

/// IMSI (ITU-T E.212): a country that is given out.
pub(crate) fn imsi(id: &[u8]) -> bool {
    matches!(id.len(), 14 | 15) && part(id, 0, 3).is_some_and(|c| (202..=748).contains(&c))
}

/// ICCID (ITU-T E.118): `89`, and Luhn.
pub(crate) fn iccid(id: &[u8]) -> bool {
    matches!(id.len(), 19 | 20) && id.starts_with(b"89") && luhn(id)
}

/// VIN (ISO 3779, 49 CFR 565): no I, O, Q; the ninth is the check sign.
pub(crate) fn vin(id: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let worth = |byte: u8| match byte {
        b'0'..=b'9' => digit(byte),
        b'A'..=b'H' => Some(u32::from(byte - b'A') + 1),
        b'J'..=b'N' => Some(u32::from(byte - b'J') + 1),
        b'P' => Some(7),
        b'R' => Some(9),
        b'S'..=b'Z' => Some(u32::from(byte - b'S') + 2),
        _ => None,
    };
    let sum = id
        .iter()
        .zip(WEIGHTS)
        .try_fold(0, |sum, (byte, weight)| Some(sum + worth(*byte)? * weight));
    id.len() == 17
        && !is_one_digit(id)
        && sum.is_some_and(|sum| match id.get(8) {
            Some(b'X') => sum % 11 == 10,
            _ => digit_at(id, 8) == Some(sum % 11),
        })
}

/// A VIN as the rest of the world writes it, without a check sign.
pub(crate) fn vin_shape(id: &[u8]) -> bool {
    id.len() == 17
        && id.iter().all(|byte| !b"IOQ".contains(byte))
        && id.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4
        && id.iter().any(u8::is_ascii_alphabetic)
}

/// LEI (ISO 17442): ISO 7064 MOD 97-10.
pub(crate) fn lei(id: &[u8]) -> bool {
    id.len() == 20 && rest_97(id) == Some(1) && id.iter().any(u8::is_ascii_alphabetic)
}

/// A number with six digits at least, and no filler.
pub(crate) fn six_digits(id: &[u8]) -> bool {
    id.iter().filter(|byte| byte.is_ascii_digit()).count() >= 6 && any(id)
}

/// The letters of a country in a BIC (ISO 9362) are one of ISO 3166.
pub(crate) fn bic(id: &[u8]) -> bool {
    id.get(4..6).is_some_and(|country| COUNTRIES.chunks(3).any(|c| c.starts_with(country)))
}

/// ISO 3166-1 alpha-2, with the codes that are used beside it.
const COUNTRIES: &[u8] =
    b"AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI \
BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE \
DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS \
GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW \
KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW \
MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO \
RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM \
TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples() {
        assert!(imei(b"490154203237518") && !imei(b"490154203237519"));
        // 49 CFR 565.15.
        assert!(vin(b"1M8GDM9AXKP042788") && !vin(b"1M8GDM9A1KP042788"));
        assert!(lei(b"5493001KJTIIGC8Y1R12") && !lei(b"5493001KJTIIGC8Y1R13"));
        assert!(bic(b"DEUTDEFF500") && !bic(b"DEUTXXFF500"));
        assert!(iccid(b"8991101200003204514") && !iccid(b"8991101200003204510"));
    }
}
