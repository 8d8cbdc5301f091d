//! Check digits of identifiers of Austria, Belgium, Bulgaria and on to France.
use super::super::{
    day_month, digit, digit_at, divides, ends_with, icao, is_day, luhn, mod_11_10, month_day,
    number, part, value_36, weighted,
};

/// Bulgaria, EGN: the month has 20 added before 1900 and 40 after 1999.
pub(crate) fn bg_egn(id: &[u8]) -> bool {
    let day = part(id, 2, 4)
        .zip(part(id, 4, 6))
        .is_some_and(|(month, day)| is_day(month % 20, day) && month < 60);
    let sum = weighted(id, &[2, 4, 8, 5, 10, 9, 7, 3, 6]);
    id.len() == 10 && day && sum.is_some_and(|sum| ends_with(id, sum % 11 % 10))
}

/// Austria, social insurance number: the fourth is the check digit.
pub(crate) fn at_svnr(id: &[u8]) -> bool {
    let sum = weighted(id, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
    id.len() == 10
        && id.first() != Some(&b'0')
        && day_month(id, 4)
        && sum.is_some_and(|sum| digit_at(id, 3) == Some(sum % 11))
}

/// Austria, tax number: Luhn over nine digits.
pub(crate) fn at_tax(id: &[u8]) -> bool {
    id.len() == 9 && luhn(id)
}

/// Austria, `ATU` and eight digits.
pub(crate) fn at_vat(digits: &[u8]) -> bool {
    let twice = |at: usize| digit_at(digits, at).map(|d| d * 2 / 10 + d * 2 % 10);
    let once = |at: usize| digit_at(digits, at);
    let sum = [once(0), twice(1), once(2), twice(3), once(4), twice(5), once(6)]
        .into_iter()
        .try_fold(0, |sum, digit| Some(sum + digit?));
    digits.len() == 8 && sum.is_some_and(|sum| ends_with(digits, (10 - (sum + 4) % 10) % 10))
}

/// Belgium, national number: modulo 97, with a 2 before those born after 1999.
pub(crate) fn be_national(id: &[u8]) -> bool {
    let (Some(body), Some(check)) = (part(id, 0, 9), part(id, 9, 11)) else { return false };
    let right = |body: u64| 97 - body % 97 == check;
    // Both are zero when the day of birth is not known, and 20 or 40 is added for foreigners.
    let month = part(id, 2, 4).map_or(99, |month| month % 20);
    id.len() == 11 && month <= 12 && (right(body) || right(body + 2_000_000_000))
}

/// Belgium, enterprise and VAT number.
pub(crate) fn be_vat(id: &[u8]) -> bool {
    let (Some(body), Some(check)) = (part(id, 0, 8), part(id, 8, 10)) else { return false };
    id.len() == 10 && matches!(id.first(), Some(b'0' | b'1')) && 97 - body % 97 == check
}

/// Switzerland, AHV number: `756` and the EAN-13 check digit.
pub(crate) fn ch_ahv(id: &[u8]) -> bool {
    id.len() == 13
        && id.starts_with(b"756")
        && divides(id, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1], 10)
}

/// Switzerland, enterprise number: `CHE` and nine digits.
pub(crate) fn ch_uid(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4]);
    let check = sum.map(|sum| (11 - sum % 11) % 11);
    check.zip(digit_at(digits, 8)).is_some_and(|(check, last)| check == last)
}

/// `CHE…` with what may stand behind (`MWST`, `TVA`, `IVA`).
pub(crate) fn ch_vat(id: &[u8]) -> bool {
    id.get(3..12).is_some_and(ch_uid)
}

/// Cyprus, tax number: eight digits and a letter.
pub(crate) fn cy_tax(id: &[u8]) -> bool {
    const ODD: [u32; 10] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    let Some((last, digits)) = id.split_last() else { return false };
    let sum = digits.iter().enumerate().try_fold(0, |sum, (at, byte)| {
        let digit = digit(*byte)?;
        let worth = if at % 2 == 0 { *ODD.get(usize::try_from(digit).ok()?)? } else { digit };
        Some(sum + worth)
    });
    id.len() == 9 && sum.is_some_and(|sum| value_36(*last) == Some(sum % 26 + 10))
}

/// Czech Republic and Slovakia, birth number: the month has 50 added for women, and 20 when a day
/// ran out of numbers; ten digits since 1954 are a multiple of 11.
pub(crate) fn cz_birth(id: &[u8]) -> bool {
    let (Some(year), Some(month), Some(day)) = (part(id, 0, 2), part(id, 2, 4), part(id, 4, 6))
    else {
        return false;
    };
    if !is_day(month % 50 % 20, day) || month > 82 {
        return false;
    }
    match id.len() {
        9 => year < 54 && id.get(6..) != Some(b"000"),
        10 => {
            part(id, 0, 9).zip(part(id, 9, 10)).is_some_and(|(body, check)| body % 11 % 10 == check)
        }
        _ => false,
    }
}

/// Germany, tax identification number: ISO 7064 and one digit two or three times.
pub(crate) fn de_tax(id: &[u8]) -> bool {
    let body = id.get(..10).unwrap_or_default();
    let times = |digit: u8| body.iter().filter(|byte| **byte == digit).count();
    let most = (b'0'..=b'9').map(times).max().unwrap_or(0);
    id.len() == 11 && id.first() != Some(&b'0') && matches!(most, 2 | 3) && mod_11_10(id)
}

/// Germany, `DE` and nine digits.
pub(crate) fn de_vat(digits: &[u8]) -> bool {
    digits.len() == 9 && digits.first() != Some(&b'0') && mod_11_10(digits)
}

/// Germany, identity card and passport: eight letters or digits and the check digit of ICAO 9303.
pub(crate) fn de_document(id: &[u8]) -> bool {
    let Some((last, body)) = id.split_last() else { return false };
    id.len() == 9
        && body.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2
        && icao(body).is_some_and(|check| digit(*last) == Some(check))
}

/// Germany, pension insurance number: the letter counts as two digits.
pub(crate) fn de_pension(id: &[u8]) -> bool {
    const WEIGHTS: [u32; 12] = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let Some(letter) = id.get(8).copied().and_then(value_36) else { return false };
    let letter = letter.saturating_sub(9);
    let digits = id.iter().enumerate().filter(|(at, _)| *at != 8).map(|(_, byte)| digit(*byte));
    let mut all = [Some(0); 13];
    let mut slots = all.iter_mut();
    for (at, value) in digits.enumerate() {
        if at == 8 {
            for value in [letter / 10, letter % 10] {
                if let Some(slot) = slots.next() {
                    *slot = Some(value);
                }
            }
        }
        if let Some(slot) = slots.next() {
            *slot = value;
        }
    }
    let sum = all.iter().zip(WEIGHTS).try_fold(0, |sum, (value, weight)| {
        let product = (*value)? * weight;
        Some(sum + product / 10 + product % 10)
    });
    // People whose day was used up have 50 added to it.
    let day = part(id, 2, 4)
        .zip(part(id, 4, 6))
        .is_some_and(|(day, month)| is_day(month, if day > 50 { day - 50 } else { day }));
    id.len() == 12 && day && sum.is_some_and(|sum| ends_with(id, sum % 10))
}

/// Germany, health insurance number: a letter that counts as two digits, nine digits.
pub(crate) fn de_health(id: &[u8]) -> bool {
    let Some((first, digits)) = id.split_first() else { return false };
    let Some(letter) = value_36(*first) else { return false };
    let letter = letter.saturating_sub(9);
    let body = digits.iter().take(8).map(|byte| digit(*byte));
    let all = [Some(letter / 10), Some(letter % 10)].into_iter().chain(body);
    let sum = all.zip([1, 2].into_iter().cycle()).try_fold(0, |sum, (value, weight)| {
        let product = value? * weight;
        Some(sum + product / 10 + product % 10)
    });
    id.len() == 10 && sum.is_some_and(|sum| ends_with(id, sum % 10))
}

/// Germany, number of a doctor: seven digits with a check digit, two for the field.
pub(crate) fn de_doctor(id: &[u8]) -> bool {
    let sum = weighted(id, &[4, 9, 4, 9, 4, 9]);
    id.len() == 9 && sum.is_some_and(|sum| digit_at(id, 6) == Some((10 - sum % 10) % 10))
}

/// Germany, the thirteen digits of a tax number: they begin with the number of a state.
pub(crate) fn de_tax_number(id: &[u8]) -> bool {
    id.len() != 13 || part(id, 0, 2).is_some_and(|state| (1..=16).contains(&state))
}

/// Denmark, CPR number: a day, and modulo 11 before 2007.
pub(crate) fn dk_cpr(id: &[u8]) -> bool {
    day_month(id, 0) && divides(id, &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1], 11)
}

/// Denmark, company number.
pub(crate) fn dk_cvr(id: &[u8]) -> bool {
    id.first() != Some(&b'0') && divides(id, &[2, 7, 6, 5, 4, 3, 2, 1], 11)
}

/// Estonia and Lithuania, personal code: a century, a day, two rows of weights.
pub(crate) fn ee_personal(id: &[u8]) -> bool {
    let first = weighted(id, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]);
    let second = weighted(id, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]);
    let (Some(first), Some(second)) = (first, second) else { return false };
    let check = if first % 11 < 10 { first % 11 } else { second % 11 % 10 };
    id.len() == 11
        && matches!(id.first(), Some(b'1'..=b'8'))
        && month_day(id, 3)
        && ends_with(id, check)
}

/// Estonia, VAT number.
pub(crate) fn ee_vat(digits: &[u8]) -> bool {
    divides(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1], 10)
}

const NIF_LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

/// Spain, NIF and NIE: the letter is the number modulo 23. `X`, `Y`, `Z` begin foreigners' numbers;
/// `K`, `L`, `M` those of children and of people abroad.
pub(crate) fn es_nif(id: &[u8]) -> bool {
    let Some((last, body)) = id.split_last() else { return false };
    let value = match body.first() {
        Some(b'X' | b'K' | b'L' | b'M') => part(body, 1, body.len()),
        Some(b'Y') => part(body, 1, body.len()).map(|rest| 10_000_000 + rest),
        Some(b'Z') => part(body, 1, body.len()).map(|rest| 20_000_000 + rest),
        _ => number(body),
    };
    let letter = value.and_then(|value| usize::try_from(value % 23).ok());
    id.len() == 9 && letter.and_then(|at| NIF_LETTERS.get(at)) == Some(last)
}

/// Spain, CIF of a company: the check is a digit or a letter.
pub(crate) fn es_cif(id: &[u8]) -> bool {
    let Some((last, body)) = id.split_last() else { return false };
    let digits = body.get(1..).unwrap_or_default();
    let sum = digits.iter().enumerate().try_fold(0, |sum, (at, byte)| {
        let digit = digit(*byte)?;
        let worth = if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit };
        Some(sum + worth)
    });
    let Some(check) = sum.map(|sum| (10 - sum % 10) % 10) else { return false };
    let letter = usize::try_from(check).ok().and_then(|at| b"JABCDEFGHI".get(at));
    id.len() == 9 && (digit(*last) == Some(check) || letter == Some(last))
}

/// Finland, personal identity code: the number modulo 31.
pub(crate) fn fi_hetu(id: &[u8]) -> bool {
    const SIGNS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    let Some((last, body)) = id.split_last() else { return false };
    let serial = body.len().checked_sub(3).and_then(|at| body.get(at..)).and_then(number);
    let value = part(id, 0, 6).zip(serial).map(|(day, serial)| day * 1000 + serial);
    let sign = value.and_then(|value| usize::try_from(value % 31).ok());
    day_month(id, 0)
        && serial.is_some_and(|serial| serial >= 2)
        && sign.and_then(|at| SIGNS.get(at)) == Some(last)
}

/// Finland, business and VAT number.
pub(crate) fn fi_vat(digits: &[u8]) -> bool {
    divides(digits, &[7, 9, 10, 5, 8, 4, 2, 1], 11)
}

/// France, tax number of a person: thirteen digits, the last three modulo 511.
pub(crate) fn fr_tax(id: &[u8]) -> bool {
    id.len() == 13
        && matches!(id.first(), Some(b'0'..=b'3'))
        && part(id, 0, 10).zip(part(id, 10, 13)).is_some_and(|(body, check)| body % 511 == check)
}

/// France, social security number: 97 less the number modulo 97; Corsica has letters.
pub(crate) fn fr_nir(id: &[u8]) -> bool {
    let corsica = match id.get(5..7) {
        Some(b"2A") => Some((19, 1_000_000)),
        Some(b"2B") => Some((18, 1_000_000)),
        _ => None,
    };
    let body = match corsica {
        Some((department, _)) => part(id, 0, 5)
            .zip(part(id, 7, 13))
            .map(|(head, tail)| head * 100_000_000 + department * 1_000_000 + tail),
        None => part(id, 0, 13),
    };
    let month = part(id, 3, 5).is_some_and(|month| matches!(month, 1..=12 | 20..=42 | 50..=99));
    id.len() == 15
        && matches!(id.first(), Some(b'1' | b'2' | b'3' | b'4' | b'7' | b'8'))
        && month
        && body.zip(part(id, 13, 15)).is_some_and(|(body, check)| 97 - body % 97 == check)
}

/// France, VAT number: two signs, then the SIREN.
pub(crate) fn fr_vat(body: &[u8]) -> bool {
    let Some(siren) = body.get(2..) else { return false };
    let key = part(body, 0, 2);
    let right =
        key.zip(number(siren)).is_none_or(|(key, siren)| key == (12 + 3 * (siren % 97)) % 97);
    body.len() == 11 && luhn(siren) && right
}
