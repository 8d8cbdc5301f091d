//! Check digits of identifiers of Britain, Greece, Croatia and on to Ukraine.
use super::super::{
    day_month, digit, digit_at, divides, ends_with, is_day, is_one_digit, luhn, mod_11_10,
    month_day, number, part, rest_97, value_36, weighted,
};

/// United Kingdom, NHS number: modulo 11.
pub(crate) fn uk_nhs(id: &[u8]) -> bool {
    let sum = weighted(id, &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
    let check = sum.map(|sum| (11 - sum % 11) % 11);
    id.len() == 10
        && !is_one_digit(id)
        && check.is_some_and(|check| check < 10 && ends_with(id, check))
}

/// United Kingdom, national insurance number: prefixes that are given out.
pub(crate) fn uk_nino(id: &[u8]) -> bool {
    let (Some(first), Some(second)) = (id.first(), id.get(1)) else { return false };
    let void: [&[u8]; 7] = [b"BG", b"GB", b"NK", b"KN", b"TN", b"NT", b"ZZ"];
    !b"DFIQUV".contains(first)
        && !b"DFIOQUV".contains(second)
        && !void.contains(&id.get(..2).unwrap_or_default())
        && id.last().is_none_or(|last| last.is_ascii_digit() || b"ABCD".contains(last))
}

/// United Kingdom, unique taxpayer reference: the first digit is the check digit.
pub(crate) fn uk_utr(id: &[u8]) -> bool {
    let sum = id.get(1..).and_then(|body| weighted(body, &[6, 7, 8, 9, 10, 5, 4, 3, 2]));
    let check = sum.and_then(|sum| usize::try_from(sum % 11).ok());
    id.len() == 10 && check.and_then(|at| b"21987654321".get(at)) == id.first()
}

/// United Kingdom, VAT number: modulo 97, with or without 55 added.
pub(crate) fn uk_vat(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[8, 7, 6, 5, 4, 3, 2]).map(u64::from);
    let right = |sum: u64, check: u64| {
        (sum + check).is_multiple_of(97) || (sum + check + 55).is_multiple_of(97)
    };
    matches!(digits.len(), 9 | 12)
        && sum.zip(part(digits, 7, 9)).is_some_and(|(sum, check)| right(sum, check))
}

/// United Kingdom, driver number: five letters of the name, the day of birth in disorder.
pub(crate) fn uk_driver(id: &[u8]) -> bool {
    let month = part(id, 6, 8).map(|month| if month > 50 { month - 50 } else { month });
    let name = id.get(..5).unwrap_or_default();
    // A short name is filled with nines.
    let letters = name.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    letters > 0
        && name.iter().skip(letters).all(|byte| *byte == b'9')
        && month.zip(part(id, 8, 10)).is_some_and(|(month, day)| is_day(month, day))
}

/// United Kingdom, number plates since 2001: the two digits tell the half-year.
pub(crate) fn uk_plate(id: &[u8]) -> bool {
    let area = id.iter().take(2).all(|byte| !b"IQZ".contains(byte));
    let serial = id.iter().skip(4).all(|byte| !b"IQ".contains(byte));
    let age = part(id, 2, 4).is_some_and(|age| matches!(age, 2..=29 | 51..=79));
    area && serial && age
}

/// United Kingdom, number plates of 1963 to 2001: a letter tells the year.
pub(crate) fn uk_old_plate(id: &[u8]) -> bool {
    let year = if id.get(1).is_some_and(u8::is_ascii_digit) { id.first() } else { id.last() };
    year.is_some_and(|year| !b"IOQUZ".contains(year))
        && id.iter().all(|byte| !b"IQZ".contains(byte))
}

/// Greece, tax number.
pub(crate) fn gr_tax(id: &[u8]) -> bool {
    let sum = weighted(id, &[256, 128, 64, 32, 16, 8, 4, 2]);
    id.len() == 9 && !is_one_digit(id) && sum.is_some_and(|sum| ends_with(id, sum % 11 % 10))
}

/// Greece, AMKA: a day, and Luhn.
pub(crate) fn gr_amka(id: &[u8]) -> bool {
    id.len() == 11 && day_month(id, 0) && luhn(id)
}

/// Croatia, OIB.
pub(crate) fn hr_oib(id: &[u8]) -> bool {
    id.len() == 11 && mod_11_10(id)
}

/// Hungary, tax number of a person: begins with 8.
pub(crate) fn hu_tax(id: &[u8]) -> bool {
    let sum = weighted(id, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    id.len() == 10 && id.first() == Some(&b'8') && sum.is_some_and(|sum| ends_with(id, sum % 11))
}

/// Hungary, VAT number.
pub(crate) fn hu_vat(digits: &[u8]) -> bool {
    divides(digits, &[9, 7, 3, 1, 9, 7, 3, 1], 10)
}

/// Hungary, social security number.
pub(crate) fn hu_taj(id: &[u8]) -> bool {
    let sum = weighted(id, &[3, 7, 3, 7, 3, 7, 3, 7]);
    id.len() == 9 && !is_one_digit(id) && sum.is_some_and(|sum| ends_with(id, sum % 10))
}

/// Ireland, PPS number: seven digits, a check letter, perhaps another letter.
pub(crate) fn ie_pps(id: &[u8]) -> bool {
    let second = match id.get(8) {
        None | Some(b'W') => Some(0),
        Some(byte) => value_36(*byte).map(|value| value.saturating_sub(9)),
    };
    let sum = weighted(id, &[8, 7, 6, 5, 4, 3, 2]).zip(second).map(|(sum, two)| sum + two * 9);
    let letter = sum.and_then(|sum| usize::try_from(sum % 23).ok());
    letter.and_then(|at| b"WABCDEFGHIJKLMNOPQRSTUV".get(at)) == id.get(7)
}

/// Iceland, kennitala.
pub(crate) fn is_kennitala(id: &[u8]) -> bool {
    let sum = weighted(id, &[3, 2, 7, 6, 5, 4, 3, 2, 1]);
    // Companies have 40 added to the day.
    let day = part(id, 0, 2)
        .zip(part(id, 2, 4))
        .is_some_and(|(day, month)| is_day(month, if day > 40 { day - 40 } else { day }));
    id.len() == 10
        && day
        && matches!(id.last(), Some(b'0' | b'8' | b'9'))
        && sum.is_some_and(|sum| sum.is_multiple_of(11))
}

/// Italy, fiscal code: a letter from odd and even places.
pub(crate) fn it_fiscal(id: &[u8]) -> bool {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let Some((last, body)) = id.split_last() else { return false };
    let sum = body.iter().enumerate().try_fold(0, |sum, (at, byte)| {
        let worth =
            if byte.is_ascii_digit() { digit(*byte)? } else { value_36(*byte)?.checked_sub(10)? };
        let worth = if at % 2 == 0 { *ODD.get(usize::try_from(worth).ok()?)? } else { worth };
        Some(sum + worth)
    });
    let month = id.get(8).is_some_and(|month| b"ABCDEHLMPRST".contains(month));
    id.len() == 16 && month && sum.is_some_and(|sum| value_36(*last) == Some(sum % 26 + 10))
}

/// Italy, VAT number: Luhn.
pub(crate) fn it_vat(digits: &[u8]) -> bool {
    digits.len() == 11 && luhn(digits)
}

/// Lithuania, VAT number.
pub(crate) fn lt_vat(digits: &[u8]) -> bool {
    let row = |first: u32| {
        digits.iter().rev().skip(1).rev().enumerate().try_fold(0, |sum, (at, byte)| {
            let at = u32::try_from(at).ok()?;
            Some(sum + digit(*byte)? * ((at + first - 1) % 9 + 1))
        })
    };
    let (Some(one), Some(three)) = (row(1), row(3)) else { return false };
    let check = if one % 11 < 10 { one % 11 } else { three % 11 % 10 };
    matches!(digits.len(), 9 | 12) && ends_with(digits, check)
}

/// Luxembourg, national number: a day, Luhn over twelve and Verhoeff over eleven and the last.
pub(crate) fn lu_national(id: &[u8]) -> bool {
    let (Some(body), Some(first), Some(last)) = (id.get(..11), id.get(..12), id.get(12)) else {
        return false;
    };
    let mut other = [0_u8; 12];
    other.iter_mut().zip(body.iter().chain([last])).for_each(|(slot, byte)| *slot = *byte);
    id.len() == 13 && month_day(id, 4) && luhn(first) && super::super::verhoeff(&other)
}

/// Luxembourg, VAT number.
pub(crate) fn lu_vat(digits: &[u8]) -> bool {
    digits.len() == 8
        && part(digits, 0, 6)
            .zip(part(digits, 6, 8))
            .is_some_and(|(body, check)| body % 89 == check)
}

/// Latvia, personal code: a day, or 32 and no day.
pub(crate) fn lv_personal(id: &[u8]) -> bool {
    let sum = weighted(id, &[1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    let check = sum.and_then(|sum| 1101_u32.checked_sub(sum)).map(|rest| rest % 11);
    id.len() == 11
        && (id.starts_with(b"32") || (day_month(id, 0) && matches!(id.get(6), Some(b'0'..=b'2'))))
        && check.is_some_and(|check| ends_with(id, check))
}

/// Netherlands, citizen service number.
pub(crate) fn nl_bsn(id: &[u8]) -> bool {
    let sum = weighted(id, &[9, 8, 7, 6, 5, 4, 3, 2]);
    id.len() == 9 && !is_one_digit(id) && sum.is_some_and(|sum| ends_with(id, sum % 11) && sum > 0)
}

/// Netherlands, VAT number: nine digits, `B`, two digits; the company's number, or modulo 97.
pub(crate) fn nl_vat(body: &[u8]) -> bool {
    let Some(company) = body.get(..9) else { return false };
    let iso = rest_97(b"NL".iter().chain(body));
    body.len() == 12 && body.get(9) == Some(&b'B') && (nl_bsn(company) || iso == Some(1))
}

/// Norway, birth number: two check digits; 40 is added to the day or the month of some.
pub(crate) fn no_birth(id: &[u8]) -> bool {
    let day = part(id, 0, 2)
        .zip(part(id, 2, 4))
        .is_some_and(|(day, month)| is_day(month % 40, if day > 40 { day - 40 } else { day }));
    day && divides(id.get(..10).unwrap_or_default(), &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1], 11)
        && divides(id, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1], 11)
}

/// Norway, organisation number.
pub(crate) fn no_organisation(digits: &[u8]) -> bool {
    matches!(digits.first(), Some(b'8' | b'9')) && divides(digits, &[3, 2, 7, 6, 5, 4, 3, 2, 1], 11)
}

/// Poland, PESEL.
pub(crate) fn pl_pesel(id: &[u8]) -> bool {
    divides(id, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1], 10) && !is_one_digit(id)
}

/// Poland, NIP.
pub(crate) fn pl_nip(id: &[u8]) -> bool {
    let sum = weighted(id, &[6, 5, 7, 2, 3, 4, 5, 6, 7]);
    id.len() == 10 && !is_one_digit(id) && sum.is_some_and(|sum| ends_with(id, sum % 11))
}

/// Poland, REGON.
pub(crate) fn pl_regon(id: &[u8]) -> bool {
    let sum = match id.len() {
        9 => weighted(id, &[8, 9, 2, 3, 4, 5, 6, 7]),
        14 => weighted(id, &[2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8]),
        _ => None,
    };
    sum.is_some_and(|sum| ends_with(id, sum % 11 % 10))
}

/// Poland, identity card: three letters, a check digit, five digits.
pub(crate) fn pl_card(id: &[u8]) -> bool {
    let sum = id
        .iter()
        .zip([7, 3, 1, 9, 7, 3, 1, 7, 3])
        .try_fold(0, |sum, (byte, weight)| Some(sum + value_36(*byte)? * weight));
    id.len() == 9 && sum.is_some_and(|sum| sum.is_multiple_of(10))
}

/// Portugal, NIF.
pub(crate) fn pt_nif(id: &[u8]) -> bool {
    let sum = weighted(id, &[9, 8, 7, 6, 5, 4, 3, 2]);
    let check = sum.map(|sum| 11 - sum % 11).map(|check| if check > 9 { 0 } else { check });
    id.len() == 9
        && matches!(id.first(), Some(b'1'..=b'3' | b'5'..=b'9'))
        && !is_one_digit(id)
        && check.is_some_and(|check| ends_with(id, check))
}

/// Romania, CNP.
pub(crate) fn ro_cnp(id: &[u8]) -> bool {
    let sum = weighted(id, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]);
    let check = sum.map(|sum| if sum % 11 == 10 { 1 } else { sum % 11 });
    id.len() == 13
        && id.first() != Some(&b'0')
        && month_day(id, 3)
        && check.is_some_and(|check| ends_with(id, check))
}

/// Romania, number of a company: weights from the right.
pub(crate) fn ro_vat(digits: &[u8]) -> bool {
    let sum = digits
        .iter()
        .rev()
        .skip(1)
        .zip([2, 3, 5, 7, 1, 2, 3, 5, 7])
        .try_fold(0, |sum, (byte, weight)| Some(sum + digit(*byte)? * weight));
    (4..=10).contains(&digits.len()) && sum.is_some_and(|sum| ends_with(digits, sum * 10 % 11 % 10))
}

/// Serbia, Bosnia, Montenegro, North Macedonia, Slovenia: JMBG or EMŠO.
pub(crate) fn jmbg(id: &[u8]) -> bool {
    let sum = weighted(id, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    let check = sum.map(|sum| (11 - sum % 11) % 11);
    id.len() == 13 && day_month(id, 0) && check.is_some_and(|check| ends_with(id, check))
}

/// Serbia, tax number of a company.
pub(crate) fn rs_pib(id: &[u8]) -> bool {
    id.len() == 9 && mod_11_10(id)
}

/// Russia, tax number: ten digits for companies, twelve for people.
pub(crate) fn ru_inn(id: &[u8]) -> bool {
    let check = |id: &[u8], weights: &[u32]| {
        weighted(id, weights).is_some_and(|sum| {
            id.get(weights.len()).copied().and_then(digit) == Some(sum % 11 % 10)
        })
    };
    match id.len() {
        10 => check(id, &[2, 4, 10, 3, 5, 9, 4, 6, 8]),
        12 => {
            check(id, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8])
                && check(id, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8])
        }
        _ => false,
    }
}

/// Russia, SNILS.
pub(crate) fn ru_snils(id: &[u8]) -> bool {
    let sum = weighted(id, &[9, 8, 7, 6, 5, 4, 3, 2, 1]).map(u64::from);
    id.len() == 11
        && sum.zip(part(id, 9, 11)).is_some_and(|(sum, check)| sum > 0 && sum % 101 % 100 == check)
}

/// Sweden, personal identity number: a day, 60 more for coordination numbers, and Luhn.
pub(crate) fn se_personal(id: &[u8]) -> bool {
    let short = if id.len() == 12 { id.get(2..) } else { Some(id) };
    let Some(short) = short else { return false };
    let day = part(short, 2, 4)
        .zip(part(short, 4, 6))
        .is_some_and(|(month, day)| is_day(month, if day > 60 { day - 60 } else { day }));
    let century = id.len() == 10 || matches!(id.get(..2), Some(b"18" | b"19" | b"20"));
    short.len() == 10 && day && century && luhn(short)
}

/// Sweden, organisation number: the third digit is two or more.
pub(crate) fn se_organisation(id: &[u8]) -> bool {
    id.len() == 10 && digit_at(id, 2).is_some_and(|third| third >= 2) && luhn(id)
}

/// Slovenia, tax number.
pub(crate) fn si_tax(id: &[u8]) -> bool {
    let sum = weighted(id, &[8, 7, 6, 5, 4, 3, 2]);
    let check = sum.map(|sum| 11 - sum % 11).map(|check| if check == 10 { 0 } else { check });
    id.len() == 8 && id.first() != Some(&b'0') && check.is_some_and(|check| ends_with(id, check))
}

/// Slovakia, VAT number: a multiple of eleven.
pub(crate) fn sk_vat(digits: &[u8]) -> bool {
    digits.len() == 10 && number(digits).is_some_and(|value| value.is_multiple_of(11))
}

/// Turkey, identity number: two check digits.
pub(crate) fn tr_identity(id: &[u8]) -> bool {
    let odd = weighted(id, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(id, &[0, 1, 0, 1, 0, 1, 0, 1, 0]);
    let (Some(odd), Some(even)) = (odd, even) else { return false };
    let tenth = (odd * 7 + 100 - even) % 10;
    id.len() == 11
        && id.first() != Some(&b'0')
        && digit_at(id, 9) == Some(tenth)
        && digit_at(id, 10) == Some((odd + even + tenth) % 10)
}

/// Turkey, tax number.
pub(crate) fn tr_tax(id: &[u8]) -> bool {
    let sum = id.iter().take(9).zip((1..=9_u32).rev()).try_fold(0, |sum, (byte, power)| {
        let first = (digit(*byte)? + power) % 10;
        let worth = if first == 0 { 0 } else { first * (1 << power) % 9 };
        Some(sum + if first != 0 && worth == 0 { 9 } else { worth })
    });
    id.len() == 10 && sum.is_some_and(|sum| ends_with(id, (10 - sum % 10) % 10))
}

/// Turkey, number plates: one of 81 provinces.
pub(crate) fn tr_plate(id: &[u8]) -> bool {
    part(id, 0, 2).is_some_and(|province| (1..=81).contains(&province))
}

/// Ukraine, tax number of a person.
pub(crate) fn ua_tax(id: &[u8]) -> bool {
    let sum = weighted(id, &[10, 5, 7, 9, 4, 6, 10, 5, 7]);
    // A weight of -1 is 10 modulo 11.
    id.len() == 10 && !is_one_digit(id) && sum.is_some_and(|sum| ends_with(id, sum % 11 % 10))
}

/// Hungary, tax number of a company, with what stands behind its eight digits.
pub(crate) fn hu_company(id: &[u8]) -> bool {
    id.get(..8).is_some_and(hu_vat)
}
