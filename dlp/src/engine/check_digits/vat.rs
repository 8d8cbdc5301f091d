//! VAT numbers, by the letters of their country.
use super::{americas, asia, europe};

/// The check digits behind the letters of the country are right.
pub(crate) fn right(id: &[u8]) -> bool {
    let Some((country, body)) = id.split_at_checked(2) else { return false };
    match country {
        b"AT" => body.get(1..).is_some_and(europe::at_vat),
        b"AU" => asia::au_abn(body),
        b"BE" => europe::be_vat(body),
        b"BG" => body.len() == 9 || europe::bg_egn(body),
        b"CH" => europe::ch_vat(id),
        b"CY" => europe::cy_tax(body),
        b"CZ" => cz(body),
        b"DE" => europe::de_vat(body),
        b"DK" => europe::dk_cvr(body),
        b"EE" => europe::ee_vat(body),
        b"EL" | b"GR" => europe::gr_tax(body),
        b"ES" => europe::es_nif(body) || europe::es_cif(body),
        b"FI" => europe::fi_vat(body),
        b"FR" => europe::fr_vat(body),
        b"GB" | b"XI" => europe::uk_vat(body),
        b"HR" => europe::hr_oib(body),
        b"HU" => europe::hu_vat(body),
        b"IE" => europe::ie_pps(body),
        b"IT" => europe::it_vat(body),
        b"LT" => europe::lt_vat(body),
        b"LU" => europe::lu_vat(body),
        b"LV" => body.first().is_some_and(|first| *first > b'3') || europe::lv_personal(body),
        b"MT" => super::divides(body, &[3, 4, 6, 7, 8, 9, 10, 1], 37),
        b"NL" => europe::nl_vat(body),
        b"NO" => body.get(..9).is_some_and(europe::no_organisation),
        b"PL" => europe::pl_nip(body),
        b"PT" => europe::pt_nif(body),
        b"RO" => europe::ro_vat(body),
        b"SE" => se(body),
        b"SI" => europe::si_tax(body),
        b"SK" => europe::sk_vat(body),
        _ => false,
    }
}

/// The number alone. Where all countries that have numbers of its length give them a check digit,
/// that of one must be right.
pub(crate) fn national(id: &[u8]) -> bool {
    if let Some(body) = id.strip_suffix(b"MVA") {
        return europe::no_organisation(body);
    }
    if !id.iter().all(u8::is_ascii_digit) || id.iter().all(|byte| *byte == b'0') {
        return id.iter().any(|byte| matches!(byte, b'1'..=b'9'));
    }
    let any = |checks: &[fn(&[u8]) -> bool]| checks.iter().any(|check| check(id));
    match id.len() {
        8 => any(&[
            europe::at_vat,
            europe::dk_cvr,
            europe::fi_vat,
            europe::hu_vat,
            europe::lu_vat,
            europe::si_tax,
        ]),
        10 => any(&[
            americas::co_nit,
            europe::tr_tax,
            europe::be_vat,
            europe::bg_egn,
            europe::cz_birth,
            europe::pl_nip,
            europe::ro_vat,
            europe::sk_vat,
            europe::ru_inn,
        ]),
        11 => any(&[
            americas::ar_cuit,
            americas::do_card,
            americas::pe_ruc,
            asia::au_abn,
            europe::fr_vat,
            europe::hr_oib,
            europe::it_vat,
            europe::lv_personal,
        ]),
        12 => any(&[
            americas::uy_rut,
            asia::kz_individual,
            europe::lt_vat,
            europe::ru_inn,
            europe::uk_vat,
            se,
        ]),
        // Saudi Arabia: a three at both ends (ZATCA).
        15 => id.starts_with(b"3") && id.ends_with(b"3"),
        _ => true,
    }
}

fn se(body: &[u8]) -> bool {
    body.ends_with(b"01") && body.get(..10).is_some_and(super::luhn)
}

fn cz(body: &[u8]) -> bool {
    let sum = super::weighted(body, &[8, 7, 6, 5, 4, 3, 2]);
    let check = sum.map(|sum| match sum % 11 {
        0 => 1,
        1 => 0,
        rest => 11 - rest,
    });
    match body.len() {
        8 => check.is_some_and(|check| super::ends_with(body, check)),
        _ => europe::cz_birth(body) || body.first() == Some(&b'6'),
    }
}
