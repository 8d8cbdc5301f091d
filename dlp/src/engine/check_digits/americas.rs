//! Check digits of identifiers of the Americas, by country.
use super::{
    digit, digit_at, divides, ends_with, is_filler, is_one_digit, luhn, month_day, number, part,
    value_36, weighted,
};

/// Argentina, CUIT.
pub(crate) fn ar_cuit(id: &[u8]) -> bool {
    let sum = weighted(id, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    let check = sum.map(|sum| match 11 - sum % 11 {
        11 => 0,
        10 => 9,
        other => other,
    });
    id.len() == 11
        && part(id, 0, 2).is_some_and(|kind| matches!(kind, 20 | 23 | 24 | 27 | 30 | 33 | 34))
        && check.is_some_and(|check| ends_with(id, check))
}

/// Brazil, CPF.
pub(crate) fn br_cpf(id: &[u8]) -> bool {
    id.len() == 11 && !is_one_digit(id) && br_check(id, 9, 12) && br_check(id, 10, 12)
}

/// Brazil, CNPJ; its letters, since 2026, count from their place in ASCII.
pub(crate) fn br_cnpj(id: &[u8]) -> bool {
    id.len() == 14 && !is_one_digit(id) && br_check(id, 12, 9) && br_check(id, 13, 9)
}

/// The digit at this place is the check digit over all before it, with weights 2 to `most` from
/// the right.
fn br_check(id: &[u8], at: usize, most: u32) -> bool {
    let mut weights = (2..=most).cycle();
    let sum: u32 = id
        .iter()
        .take(at)
        .rev()
        .map(|byte| u32::from(byte.saturating_sub(b'0')) * weights.next().unwrap_or(0))
        .sum();
    let check = if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
    digit_at(id, at) == Some(check)
}

/// Brazil, PIS, PASEP or NIS.
pub(crate) fn br_pis(id: &[u8]) -> bool {
    let sum = weighted(id, &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2]);
    let check = sum.map(|sum| 11 - sum % 11).map(|check| if check > 9 { 0 } else { check });
    id.len() == 11 && !is_one_digit(id) && check.is_some_and(|check| ends_with(id, check))
}

/// Canada, social insurance number: Luhn, and no number begins with 0 or 8.
pub(crate) fn ca_sin(id: &[u8]) -> bool {
    id.len() == 9 && luhn(id) && !matches!(id.first(), Some(b'0' | b'8'))
}

/// Canada, business number and what account it is.
pub(crate) fn ca_business(id: &[u8]) -> bool {
    id.get(..9).is_some_and(luhn)
}

/// Chile, RUT: modulo 11, `K` for 10.
pub(crate) fn cl_rut(id: &[u8]) -> bool {
    let Some((last, body)) = id.split_last() else { return false };
    let mut weights = (2..=7).cycle();
    let sum =
        body.iter().rev().try_fold(0, |sum, byte| Some(sum + digit(*byte)? * weights.next()?));
    let check = sum.map(|sum| (11 - sum % 11) % 11);
    match last {
        b'K' => check == Some(10),
        last => check.is_some() && check == digit(*last) && !is_one_digit(id),
    }
}

/// Colombia, NIT: primes as weights, from the right.
pub(crate) fn co_nit(id: &[u8]) -> bool {
    const PRIMES: [u32; 15] = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71];
    let sum = id
        .iter()
        .rev()
        .skip(1)
        .zip(PRIMES)
        .try_fold(0, |sum, (byte, weight)| Some(sum + digit(*byte)? * weight));
    let check = sum.map(|sum| if sum % 11 < 2 { sum % 11 } else { 11 - sum % 11 });
    (9..=10).contains(&id.len()) && check.is_some_and(|check| ends_with(id, check))
}

/// Dominican Republic, identity card: Luhn.
pub(crate) fn do_card(id: &[u8]) -> bool {
    id.len() == 11 && luhn(id)
}

/// Dominican Republic, number of a taxpayer.
pub(crate) fn do_rnc(id: &[u8]) -> bool {
    let sum = weighted(id, &[7, 9, 8, 6, 5, 4, 3, 2]);
    let check = sum.map(|sum| (10 - sum % 11 % 10) % 9 + 1);
    id.len() == 9 && check.is_some_and(|check| ends_with(id, check))
}

/// Ecuador, identity card: one of 24 provinces, and Luhn.
pub(crate) fn ec_card(id: &[u8]) -> bool {
    let province = part(id, 0, 2).is_some_and(|province| matches!(province, 1..=24 | 30));
    id.len() == 10 && province && digit_at(id, 2).is_some_and(|third| third < 6) && luhn(id)
}

/// Ecuador, RUC of a person or a company.
pub(crate) fn ec_ruc(id: &[u8]) -> bool {
    let company = digit_at(id, 2) == Some(9)
        && id.get(..10).is_some_and(|body| divides(body, &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1], 11));
    let office = digit_at(id, 2) == Some(6)
        && id.get(..9).is_some_and(|body| divides(body, &[3, 2, 7, 6, 5, 4, 3, 2, 1], 11));
    id.len() == 13
        && id.get(10) == Some(&b'0')
        && !id.ends_with(b"000")
        && (company || office || id.get(..10).is_some_and(ec_card))
}

/// Mexico, CURP: a day, a sex, a state, and a check digit.
pub(crate) fn mx_curp(id: &[u8]) -> bool {
    // The alphabet has one letter more, Ñ, between N and O.
    let value = |byte: u8| value_36(byte).map(|v| if byte >= b'O' { v + 1 } else { v });
    let sum = id
        .iter()
        .take(17)
        .zip((2..=18).rev())
        .try_fold(0, |sum, (byte, weight)| Some(sum + value(*byte)? * weight));
    id.len() == 18
        && month_day(id, 6)
        && id.get(10).is_some_and(|sex| b"HMX".contains(sex))
        && sum.is_some_and(|sum| ends_with(id, (10 - sum % 10) % 10))
}

/// Mexico, RFC: letters, a day, three signs.
pub(crate) fn mx_rfc(id: &[u8]) -> bool {
    let letters = id.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    matches!(letters, 3 | 4) && id.len() == letters + 9 && month_day(id, letters + 2)
}

/// Mexico, CLABE.
pub(crate) fn mx_clabe(id: &[u8]) -> bool {
    let sum = id
        .iter()
        .take(17)
        .zip([3, 7, 1].iter().cycle())
        .try_fold(0, |sum, (byte, weight)| Some(sum + digit(*byte)? * weight % 10));
    id.len() == 18
        && !is_one_digit(id)
        && sum.is_some_and(|sum| ends_with(id, (10 - sum % 10) % 10))
}

/// Mexico, social security number: Luhn.
pub(crate) fn mx_nss(id: &[u8]) -> bool {
    id.len() == 11 && luhn(id)
}

/// Peru, RUC.
pub(crate) fn pe_ruc(id: &[u8]) -> bool {
    let sum = weighted(id, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    id.len() == 11
        && part(id, 0, 2).is_some_and(|kind| matches!(kind, 10 | 15 | 16 | 17 | 20))
        && sum.is_some_and(|sum| ends_with(id, (11 - sum % 11) % 10))
}

/// Paraguay, RUC: weights 2, 3, … from the right.
pub(crate) fn py_ruc(id: &[u8]) -> bool {
    let sum = id
        .iter()
        .rev()
        .skip(1)
        .zip(2..)
        .try_fold(0, |sum, (byte, weight)| Some(sum + digit(*byte)? * weight));
    id.len() >= 6 && sum.is_some_and(|sum| ends_with(id, (11 - sum % 11) % 11 % 10))
}

/// United States, social security number in the ranges that are given out (SSA, POMS RM 10201).
pub(crate) fn us_ssn(id: &[u8]) -> bool {
    let (Some(area), Some(group), Some(serial)) = (part(id, 0, 3), part(id, 3, 5), part(id, 5, 9))
    else {
        return false;
    };
    // The first two were printed on cards in shop windows and never valid again.
    let void = [(78, 5, 1120), (219, 9, 9999), (123, 45, 6788)].contains(&(area, group, serial));
    id.len() == 9 && !matches!(area, 0 | 666 | 900..) && group > 0 && serial > 0 && !void
}

/// United States, individual taxpayer number: begins with 9, and the group is one that is given
/// out (IRS, Publication 1915).
pub(crate) fn us_itin(id: &[u8]) -> bool {
    let group = part(id, 3, 5);
    id.len() == 9
        && id.first() == Some(&b'9')
        && group.is_some_and(|group| matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99))
}

/// United States, employer number: the campus that gave it out (IRS, EIN prefixes).
pub(crate) fn us_ein(id: &[u8]) -> bool {
    let campus = part(id, 0, 2).is_some_and(|campus| {
        !matches!(campus, 0 | 7..=9 | 17..=19 | 28 | 29 | 49 | 69 | 70 | 78 | 79 | 89 | 96 | 97)
    });
    id.len() == 9 && campus && !is_one_digit(id)
}

/// United States, bank routing number: a district, and weights 3, 7, 1.
pub(crate) fn us_routing(id: &[u8]) -> bool {
    let district =
        part(id, 0, 2).is_some_and(|district| matches!(district, 0..=12 | 21..=32 | 61..=72 | 80));
    district && !is_one_digit(id) && divides(id, &[3, 7, 1, 3, 7, 1, 3, 7, 1], 10)
}

/// United States, provider number: Luhn with the prefix 80840.
pub(crate) fn us_npi(id: &[u8]) -> bool {
    let mut all = [0_u8; 15];
    all.iter_mut().zip(b"80840".iter().chain(id)).for_each(|(slot, byte)| *slot = *byte);
    id.len() == 10
        && matches!(id.first(), Some(b'1' | b'2'))
        && !is_one_digit(id.get(..9).unwrap_or_default())
        && luhn(&all)
}

/// United States, number of a prescriber at the drug administration.
pub(crate) fn us_dea(id: &[u8]) -> bool {
    let sum = id.get(2..8).and_then(|body| weighted(body, &[1, 2, 1, 2, 1, 2]));
    id.len() == 9
        && !is_one_digit(id.get(2..).unwrap_or_default())
        && sum.is_some_and(|sum| ends_with(id, sum % 10))
}

/// United States, Medicare beneficiary: no letter that is like a digit.
pub(crate) fn us_mbi(id: &[u8]) -> bool {
    id.iter().all(|byte| !b"SLOIBZ".contains(byte))
}

/// Uruguay, identity card.
pub(crate) fn uy_card(id: &[u8]) -> bool {
    divides(id, &[2, 9, 8, 7, 6, 3, 4, 1], 10) && !is_one_digit(id)
}

/// Uruguay, RUT.
pub(crate) fn uy_rut(id: &[u8]) -> bool {
    let sum = weighted(id, &[4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]);
    id.len() == 12
        && part(id, 0, 2).is_some_and(|kind| (1..=22).contains(&kind))
        && sum.is_some_and(|sum| ends_with(id, (11 - sum % 11) % 11))
}

/// Venezuela, RIF: the letter counts.
pub(crate) fn ve_rif(id: &[u8]) -> bool {
    let letter = match id.first() {
        Some(b'V') => 4,
        Some(b'E') => 8,
        Some(b'J') => 12,
        Some(b'P') => 16,
        Some(b'G') => 20,
        _ => return false,
    };
    let sum = id.get(1..).and_then(|body| weighted(body, &[3, 2, 7, 6, 5, 4, 3, 2]));
    let check =
        sum.map(|sum| 11 - (sum + letter) % 11).map(|check| if check > 9 { 0 } else { check });
    id.len() == 10 && check.is_some_and(|check| ends_with(id, check))
}

/// Digits that are a number at all: for those who have no check digit.
pub(crate) fn no_filler(id: &[u8]) -> bool {
    number(id).is_some_and(|value| value > 0) && !is_filler(id)
}

/// Guatemala, NIT: modulo 11, `K` for 10.
pub(crate) fn gt_nit(id: &[u8]) -> bool {
    let Some((last, body)) = id.split_last() else { return false };
    let sum = body
        .iter()
        .rev()
        .zip(2..)
        .try_fold(0, |sum, (byte, weight)| Some(sum + digit(*byte)? * weight));
    let check = sum.map(|sum| (11 - sum % 11) % 11);
    match last {
        b'K' => check == Some(10),
        last => check.is_some() && check == digit(*last),
    }
}

/// Ontario and British Columbia, health cards: Luhn over ten digits.
pub(crate) fn ca_health(id: &[u8]) -> bool {
    id.get(..10).is_some_and(luhn)
}
