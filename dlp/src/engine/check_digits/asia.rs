//! Check digits of identifiers of Asia, Africa and Oceania, by country.
use super::{
    day_month, digit, digit_at, divides, ends_with, is_day, is_filler, is_one_digit, luhn,
    month_day, number, part, value_36, verhoeff, weighted,
};

/// Emirates identity card: `784`, a year, and Luhn.
pub(crate) fn ae_card(id: &[u8]) -> bool {
    id.len() == 15
        && id.starts_with(b"784")
        && part(id, 3, 7).is_some_and(|year| (1900..2100).contains(&year))
        && luhn(id)
}

/// Australia, business number: one less in the first digit, modulo 89.
pub(crate) fn au_abn(id: &[u8]) -> bool {
    let sum = weighted(id, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    id.len() == 11
        && id.first() != Some(&b'0')
        && sum.and_then(|sum| sum.checked_sub(10)).is_some_and(|sum| sum.is_multiple_of(89))
}

/// Australia, company number.
pub(crate) fn au_acn(id: &[u8]) -> bool {
    let sum = weighted(id, &[8, 7, 6, 5, 4, 3, 2, 1]);
    id.len() == 9 && !is_one_digit(id) && sum.is_some_and(|sum| ends_with(id, (10 - sum % 10) % 10))
}

/// Australia, tax file number: eight or nine digits.
pub(crate) fn au_tfn(id: &[u8]) -> bool {
    !is_one_digit(id)
        && (divides(id, &[1, 4, 3, 7, 5, 8, 6, 9, 10], 11)
            || divides(id, &[10, 7, 8, 4, 6, 3, 5, 1], 11))
}

/// Australia, Medicare card: the ninth is the check digit.
pub(crate) fn au_medicare(id: &[u8]) -> bool {
    let sum = weighted(id, &[1, 3, 7, 9, 1, 3, 7, 9]);
    matches!(id.first(), Some(b'2'..=b'6'))
        && sum.is_some_and(|sum| digit_at(id, 8) == Some(sum % 10))
}

/// New Zealand, IRD number: eight or nine digits, two rows of weights.
pub(crate) fn nz_ird(id: &[u8]) -> bool {
    let mut all = [b'0'; 9];
    let Some(from) = 9_usize.checked_sub(id.len()) else { return false };
    all.iter_mut().skip(from).zip(id).for_each(|(slot, byte)| *slot = *byte);
    let check = |weights: &[u32]| weighted(&all, weights).map(|sum| (11 - sum % 11) % 11);
    let value = number(id).is_some_and(|value| (10_000_000..150_000_000).contains(&value));
    let first = check(&[3, 2, 7, 6, 5, 4, 3, 2]);
    let found = if first == Some(10) { check(&[7, 4, 3, 2, 5, 2, 7, 6]) } else { first };
    value && !is_filler(id) && found.is_some_and(|check| ends_with(&all, check))
}

/// New Zealand, health index: letters without I and O, modulo 11.
pub(crate) fn nz_nhi(id: &[u8]) -> bool {
    let letter = |byte: u8| match byte {
        b'A'..=b'H' => Some(u32::from(byte - b'A') + 1),
        b'J'..=b'N' => Some(u32::from(byte - b'A')),
        b'P'..=b'Z' => Some(u32::from(byte - b'A') - 1),
        _ => digit(byte),
    };
    let sum = id
        .iter()
        .take(6)
        .zip((2..=7).rev())
        .try_fold(0, |sum, (byte, weight)| Some(sum + letter(*byte)? * weight));
    let check = sum.map(|sum| sum % 11).filter(|rest| *rest > 0).map(|rest| (11 - rest) % 10);
    id.len() == 7 && check.is_some_and(|check| ends_with(id, check))
}

const PROVINCES: [u64; 35] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52,
    53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 91,
];

/// China, resident identity: a province, a day, and ISO 7064 MOD 11-2 (GB 11643).
pub(crate) fn cn_resident(id: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    if !part(id, 0, 2).is_some_and(|province| PROVINCES.contains(&province)) {
        return false;
    }
    if id.len() == 15 {
        return month_day(id, 8);
    }
    let year = part(id, 6, 10).is_some_and(|year| (1850..2100).contains(&year));
    let sum = weighted(id, &WEIGHTS);
    let sign = sum.and_then(|sum| usize::try_from(sum % 11).ok());
    id.len() == 18
        && year
        && month_day(id, 10)
        && sign.and_then(|at| b"10X98765432".get(at)) == id.last()
}

/// China, credit code of a company (GB 32100): base 31.
pub(crate) fn cn_credit_code(id: &[u8]) -> bool {
    const SIGNS: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let value = |byte: &u8| SIGNS.iter().position(|sign| sign == byte);
    let mut power = 1;
    let mut sum = 0;
    for byte in id.iter().take(17) {
        let Some(value) = value(byte) else { return false };
        sum += value * power;
        power = power * 3 % 31;
    }
    id.len() == 18 && !is_one_digit(id) && SIGNS.get((31 - sum % 31) % 31) == id.last()
}

/// Hong Kong, identity card: one or two letters, six digits, a check sign.
pub(crate) fn hk_card(id: &[u8]) -> bool {
    let Some((last, body)) = id.split_last() else { return false };
    // One letter has a blank before it, which counts 36.
    let blank = if body.len() == 7 { 36 * 9 } else { 0 };
    let sum = body
        .iter()
        .rev()
        .zip(2..)
        .try_fold(blank, |sum, (byte, weight)| Some(sum + value_36(*byte)? * weight));
    let check = sum.map(|sum| (11 - sum % 11) % 11);
    match last {
        b'A' => check == Some(10),
        last => check.is_some() && check == digit(*last),
    }
}

/// Israel, identity number: Luhn.
pub(crate) fn il_identity(id: &[u8]) -> bool {
    id.len() == 9 && luhn(id)
}

/// India, Aadhaar: Verhoeff, and no number begins with 0 or 1 or is the same from behind.
pub(crate) fn in_aadhaar(id: &[u8]) -> bool {
    id.len() == 12
        && matches!(id.first(), Some(b'2'..=b'9'))
        && !id.iter().eq(id.iter().rev())
        && verhoeff(id)
}

/// India, PAN: the fourth letter tells what the holder is.
pub(crate) fn in_pan(id: &[u8]) -> bool {
    id.get(3).is_some_and(|kind| b"ABCEFGHJLKPT".contains(kind)) && id.get(5..9) != Some(b"0000")
}

/// India, GSTIN: one of 38 states, then a PAN.
pub(crate) fn in_gstin(id: &[u8]) -> bool {
    part(id, 0, 2).is_some_and(|state| matches!(state, 1..=38 | 97)) && id.get(12) != Some(&b'0')
}

/// Iran, national code.
pub(crate) fn ir_national(id: &[u8]) -> bool {
    let sum = weighted(id, &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
    let check = sum.map(|sum| sum % 11).map(|rest| if rest < 2 { rest } else { 11 - rest });
    id.len() == 10
        && !is_one_digit(id)
        && part(id, 3, 9) != Some(0)
        && check.is_some_and(|check| ends_with(id, check))
}

/// Japan, My Number: weights from the right.
pub(crate) fn jp_my_number(id: &[u8]) -> bool {
    let sum = weighted(id, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    let check = sum.map(|sum| if sum % 11 < 2 { 0 } else { 11 - sum % 11 });
    id.len() == 12 && !is_one_digit(id) && check.is_some_and(|check| ends_with(id, check))
}

/// Japan, corporate number: the first is the check digit.
pub(crate) fn jp_corporate(id: &[u8]) -> bool {
    let sum = id.get(1..).and_then(|body| weighted(body, &[2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]));
    id.len() == 13 && sum.is_some_and(|sum| digit_at(id, 0) == Some(9 - sum % 9))
}

/// Korea, resident registration: a day and a century; the check digit fell away in 2020.
pub(crate) fn kr_resident(id: &[u8]) -> bool {
    id.len() == 13 && month_day(id, 2) && matches!(id.get(6), Some(b'1'..=b'4' | b'9'))
}

/// Korea, foreigner registration.
pub(crate) fn kr_foreigner(id: &[u8]) -> bool {
    id.len() == 13 && month_day(id, 2) && matches!(id.get(6), Some(b'5'..=b'8'))
}

/// Korea, resident registration with its check digit.
pub(crate) fn kr_resident_checked(id: &[u8]) -> bool {
    kr_resident(id) && kr_check(id, 11)
}

/// Korea, foreigner registration with its check digit.
pub(crate) fn kr_foreigner_checked(id: &[u8]) -> bool {
    kr_foreigner(id) && kr_check(id, 13)
}

fn kr_check(id: &[u8], from: u32) -> bool {
    let sum = weighted(id, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    sum.is_some_and(|sum| ends_with(id, (from - sum % 11) % 10))
}

/// Korea, business registration.
pub(crate) fn kr_business(id: &[u8]) -> bool {
    let sum = weighted(id, &[1, 3, 7, 1, 3, 7, 1, 3]);
    let ninth = digit_at(id, 8).map(|digit| digit * 5 / 10 + digit * 5);
    let check = sum.zip(ninth).map(|(sum, ninth)| (10 - (sum + ninth) % 10) % 10);
    id.len() == 10 && !is_one_digit(id) && check.is_some_and(|check| ends_with(id, check))
}

/// Korea, driver licence: one of the regions.
pub(crate) fn kr_driver(id: &[u8]) -> bool {
    id.len() == 12 && part(id, 0, 2).is_some_and(|region| (11..=28).contains(&region))
}

/// Kuwait, civil number.
pub(crate) fn kw_civil(id: &[u8]) -> bool {
    let sum = weighted(id, &[2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    id.len() == 12
        && matches!(id.first(), Some(b'1'..=b'3'))
        && month_day(id, 3)
        && sum.is_some_and(|sum| ends_with(id, 11 - sum % 11))
}

/// Kazakhstan, individual number: a day and two rows of weights.
pub(crate) fn kz_individual(id: &[u8]) -> bool {
    let first = weighted(id, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    let second = weighted(id, &[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]);
    let (Some(first), Some(second)) = (first, second) else { return false };
    let check = if first % 11 < 10 { first % 11 } else { second % 11 };
    id.len() == 12 && month_day(id, 2) && ends_with(id, check)
}

/// Malaysia, identity card: a day and a place of birth.
pub(crate) fn my_card(id: &[u8]) -> bool {
    let place = part(id, 6, 8).is_some_and(
        |place| matches!(place, 1..=16 | 21..=68 | 71 | 72 | 74..=79 | 82..=93 | 98 | 99),
    );
    id.len() == 12 && month_day(id, 2) && place
}

/// Indonesia, NIK: a province and a day, 40 more for women.
pub(crate) fn id_nik(id: &[u8]) -> bool {
    let day = part(id, 6, 8)
        .zip(part(id, 8, 10))
        .is_some_and(|(day, month)| is_day(month, if day > 40 { day - 40 } else { day }));
    id.len() == 16 && day && part(id, 0, 2).is_some_and(|place| (11..=97).contains(&place))
}

/// Pakistan, national identity: a province; the last digit is the sex.
pub(crate) fn pk_cnic(id: &[u8]) -> bool {
    id.len() == 13
        && matches!(id.first(), Some(b'1'..=b'9'))
        && part(id, 5, 12).is_some_and(|serial| serial > 0)
        && !is_one_digit(id)
        && id.last() != Some(&b'0')
}

/// Sri Lanka, identity card: the day in the year, 500 more for women.
pub(crate) fn lk_card(id: &[u8]) -> bool {
    let day = if id.len() == 12 { part(id, 4, 7) } else { part(id, 2, 5) };
    let year = match id.len() {
        12 => matches!(id.get(..2), Some(b"19" | b"20")),
        _ => id.first() != Some(&b'0'),
    };
    year && day.is_some_and(|day| matches!(day, 1..=366 | 501..=866))
}

/// Saudi Arabia, identity and residence: 1 or 2, and Luhn.
pub(crate) fn sa_identity(id: &[u8]) -> bool {
    id.len() == 10 && matches!(id.first(), Some(b'1' | b'2')) && luhn(id)
}

/// Singapore, NRIC and FIN: weights, and letters for each series.
pub(crate) fn sg_nric(id: &[u8]) -> bool {
    let sum = id.get(1..8).and_then(|body| weighted(body, &[2, 7, 6, 5, 4, 3, 2]));
    let Some(sum) = sum else { return false };
    let (letters, sum): (&[u8; 11], u32) = match id.first() {
        Some(b'S') => (b"JZIHGFEDCBA", sum),
        Some(b'T') => (b"JZIHGFEDCBA", sum + 4),
        Some(b'F') => (b"XWUTRQPNMLK", sum),
        Some(b'G') => (b"XWUTRQPNMLK", sum + 4),
        Some(b'M') => (b"XWUTRQPNJLK", sum + 3),
        _ => return false,
    };
    let letter = usize::try_from(sum % 11).ok().and_then(|at| letters.get(at));
    id.len() == 9 && letter == id.get(8)
}

/// Singapore, number of a business of eight or nine digits and a letter.
pub(crate) fn sg_business(id: &[u8]) -> bool {
    if id.len() == 10 {
        return sg_company(id);
    }
    let sum = weighted(id, &[10, 4, 9, 3, 8, 2, 7, 1]);
    let letter = sum.and_then(|sum| usize::try_from(sum % 11).ok());
    id.len() == 9 && letter.and_then(|at| b"XMKECAWLJDB".get(at)) == id.get(8)
}

fn sg_company(id: &[u8]) -> bool {
    let sum = weighted(id, &[10, 8, 6, 4, 9, 7, 5, 3, 1]);
    let letter = sum.and_then(|sum| usize::try_from(sum % 11).ok());
    let year = part(id, 0, 4).is_some_and(|year| (1900..2100).contains(&year));
    year && letter.and_then(|at| b"ZKCMDNERGWH".get(at)) == id.get(9)
}

/// Thailand, identity number: no number begins with 0 or 9, a province, modulo 11.
pub(crate) fn th_identity(id: &[u8]) -> bool {
    let sum = weighted(id, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    id.len() == 13
        && matches!(id.first(), Some(b'1'..=b'8'))
        && id.get(1) != Some(&b'0')
        && !is_one_digit(id)
        && sum.is_some_and(|sum| ends_with(id, (11 - sum % 11) % 10))
}

/// The same, where no word says so: the province is one that exists.
pub(crate) fn th_province(id: &[u8]) -> bool {
    part(id, 1, 3).is_some_and(|place| {
        matches!(place, 10..=27 | 30..=49 | 50..=58 | 60..=67 | 70..=77 | 80..=86 | 90..=96)
    }) && th_identity(id)
}

/// Taiwan, identity card: the letter counts as two digits.
pub(crate) fn tw_card(id: &[u8]) -> bool {
    let Some((first, digits)) = id.split_first() else { return false };
    let place = b"ABCDEFGHJKLMNPQRSTUVXYWZIO".iter().position(|letter| letter == first);
    let Some(place) = place.and_then(|at| u32::try_from(at + 10).ok()) else { return false };
    let sum = weighted(digits, &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    id.len() == 10
        && matches!(digits.first(), Some(b'1' | b'2' | b'8' | b'9'))
        && sum.is_some_and(|sum| (place / 10 + place % 10 * 9 + sum).is_multiple_of(10))
}

/// Taiwan, number of a company.
pub(crate) fn tw_company(id: &[u8]) -> bool {
    let sum = id.iter().zip([1, 2, 1, 2, 1, 2, 4, 1]).try_fold(0, |sum, (byte, weight)| {
        let product = digit(*byte)? * weight;
        Some(sum + product / 10 + product % 10)
    });
    let seven = digit_at(id, 6) == Some(7);
    id.len() == 8
        && !is_filler(id)
        && sum.is_some_and(|sum| sum.is_multiple_of(5) || (seven && (sum + 1).is_multiple_of(5)))
}

/// Egypt, national number: a century, a day, a place.
pub(crate) fn eg_national(id: &[u8]) -> bool {
    id.len() == 14
        && matches!(id.first(), Some(b'2' | b'3'))
        && month_day(id, 3)
        && part(id, 7, 9).is_some_and(|place| matches!(place, 1..=4 | 11..=35 | 88))
}

/// South Africa, identity number: a day, a citizenship, and Luhn.
pub(crate) fn za_identity(id: &[u8]) -> bool {
    id.len() == 13 && month_day(id, 2) && matches!(id.get(10), Some(b'0'..=b'2')) && luhn(id)
}

/// Nigeria, national number: Verhoeff.
pub(crate) fn ng_nin(id: &[u8]) -> bool {
    id.len() == 11 && !is_one_digit(id) && verhoeff(id)
}

/// Libya, national number: a sex and a year.
pub(crate) fn ly_national(id: &[u8]) -> bool {
    id.len() == 12
        && matches!(id.first(), Some(b'1' | b'2'))
        && part(id, 1, 5).is_some_and(|year| (1900..2100).contains(&year))
}

/// Vietnam, citizen number: a province and a century.
pub(crate) fn vn_citizen(id: &[u8]) -> bool {
    id.len() == 12
        && part(id, 0, 3).is_some_and(|place| (1..=96).contains(&place))
        && !is_filler(id)
}

/// Mauritius, identity card: a letter, then a day.
pub(crate) fn mu_card(id: &[u8]) -> bool {
    id.get(1..).is_some_and(|digits| day_month(digits, 0))
}

/// India, number plates: the letters of a state or a union territory.
pub(crate) fn in_plate(id: &[u8]) -> bool {
    const STATES: &[u8] = b"AN AP AR AS BR CG CH DD DL DN GA GJ HP HR JH JK KA KL LA LD MH ML MN \
MP MZ NL OD OR PB PY RJ SK TG TN TR TS UA UK UP WB ";
    id.first().is_some_and(u8::is_ascii_digit)
        || id.get(..2).is_some_and(|state| STATES.chunks(3).any(|known| known.starts_with(state)))
}
