//! Numbering plans: which numbers a country has.
//!
//! One row a country code (ITU-T E.164), sorted. The ranges are those of Google's libphonenumber
//! metadata (9.0.43), and for mobile numbers those of the locale rules of validator.js (13.15),
//! shortened to leading digits and lengths. The North American plan stands apart: its area codes
//! are all that is needed.

/// The numbers of a country code.
pub(crate) struct Plan {
    /// Behind the `+`.
    pub(crate) code: &'static str,
    /// What is dialled before a number within the country; empty when nothing is, or when it is
    /// never written with a mobile number.
    pub(crate) trunk: &'static str,
    pub(crate) form: Form,
    /// Whether numbers that are not mobile are told by `+` and the code alone, without groups.
    pub(crate) open: bool,
    /// Ranges of mobile numbers: leading digits, and how many follow.
    pub(crate) mobile: &'static str,
    /// Ranges of all others.
    pub(crate) other: &'static str,
}

/// How mobile numbers are told that are written within the country and without groups, where a
/// word says that a number follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// Not at all: too many other numbers look like one.
    International,
    /// Behind the trunk prefix.
    Trunk,
    /// Behind the trunk prefix, and only in groups.
    GroupedTrunk,
    /// As they are.
    Bare,
}

/// The area codes of the North American plan (NANPA, in use or assigned).
pub(crate) const AREAS: &str = "20[1-9]+0|21[02-9]+0|22[03-9]+0|23[14-69]+0|24[02689]+0|25[0-467]+0|26[02-47-9]+0|\
    27[02-469]+0|28[1349]+0|30[1-9]+0|31[02-9]+0|32[013-79]+0|33[0-24679]+0|34[0135-7]+0|\
    35[0-4]+0|36[013-57-9]+0|38[0256]+0|40[1-9]+0|41[02-9]+0|42[3-58]+0|43[0-24578]+0|\
    44[0-3578]+0|45[08]+0|46[3489]+0|47[02-589]+0|48[04]+0|50[1-9]+0|51[02-9]+0|520+0|\
    53[0149]+0|54[018]+0|55[179]+0|56[1-47]+0|57[0-59]+0|58[0-24-7]+0|60[1-9]+0|\
    61[02-9]+0|62[03689]+0|63[0169]+0|64[015-79]+0|65[016-9]+0|66[0-2479]+0|67[0-28]+0|\
    68[0-469]+0|70[1-9]+0|71[2-9]+0|72[014-8]+0|73[0-2478]+0|74[02378]+0|75[3478]+0|\
    76[023579]+0|77[0-589]+0|78[0-24-7]+0|80[1-9]+0|81[02-9]+0|82[015689]+0|83[0-2589]+0|\
    84[0357-9]+0|85[046-9]+0|86[02-57-9]+0|87[023689]+0|90[1-9]+0|91[02-9]+0|92[0589]+0|\
    93[0146-9]+0|94[0-357-9]+0|95[12469]+0|97[0-3589]+0|98[03-69]+0";

#[rustfmt::skip] // One row a country.
pub(crate) const PLANS: &[Plan] = &[
    Plan { code: "20", trunk: "", form: Form::International, open: false, mobile: "1[0-25]+8", other: "15+6|1[35]+7|2+8|3+7|4[05-8]+7|57+6|5[057]+7|6[24-689]+7|8[2468]+7|9[235-7]+7|1[0-25]+8" }, // EG
    Plan { code: "211", trunk: "0", form: Form::Trunk, open: false, mobile: "9[1257]+7", other: "1[89]+7" }, // SS
    Plan { code: "212", trunk: "0", form: Form::GroupedTrunk, open: false, mobile: "[5-7]+8", other: "5[1-5]+7" }, // EH/MA
    Plan { code: "213", trunk: "0", form: Form::GroupedTrunk, open: false, mobile: "[5-7]+8", other: "4[013-689]+6|[1-3]+7" }, // DZ
    Plan { code: "216", trunk: "", form: Form::International, open: false, mobile: "[2459]+7", other: "3[0-2]+6|7+7" }, // TN
    Plan { code: "218", trunk: "0", form: Form::Trunk, open: false, mobile: "9[1-6]+7", other: "9[1-6]+7|[1-8]+7-9" }, // LY
    Plan { code: "220", trunk: "", form: Form::International, open: false, mobile: "4[015]+5|556+4|5[0-489]+5|83[35]+6|86[68]+6|87[247]+6|899+6|8[4-7]+5|[23679]+6", other: "44+7|4[2-4]+5|5[5-7]+5|8[0-389]+5" }, // GM
    Plan { code: "221", trunk: "", form: Form::International, open: false, mobile: "721+6|790+6|7[015-8]+7", other: "3[0236]+7" }, // SN
    Plan { code: "222", trunk: "", form: Form::International, open: false, mobile: "[2-4]+7", other: "[2-4]5+6" }, // MR
    Plan { code: "223", trunk: "", form: Form::International, open: false, mobile: "217+5|5[0-3]+6|8[2-59]+6|[679]+7", other: "2[01]+6|4[04]+6" }, // ML
    Plan { code: "224", trunk: "", form: Form::International, open: false, mobile: "6[0-356]+7", other: "3[01]+6" }, // GN
    Plan { code: "225", trunk: "", form: Form::International, open: false, mobile: "0[157]+8", other: "2[157]+8" }, // CI
    Plan { code: "226", trunk: "", form: Form::International, open: true, mobile: "[67]+7", other: "2[045]+6" }, // BF
    Plan { code: "227", trunk: "", form: Form::International, open: false, mobile: "23+6|7[0467]+6|[89]+7", other: "2[01]+6" }, // NE
    Plan { code: "228", trunk: "", form: Form::International, open: false, mobile: "7[0-389]+6|9[0-36-9]+6", other: "2[2-7]+6" }, // TG
    Plan { code: "229", trunk: "", form: Form::International, open: true, mobile: "01[24-69]+7", other: "01+8|[0-9]+7" }, // BJ
    Plan { code: "230", trunk: "", form: Form::International, open: true, mobile: "52[5-9]+5|54[2-9]+5|5[57-9]+6|70[0-7]+5|73[013]+5", other: "2[01346-8]+5|4[0-35-9]+5|6+6|8[13]+5|[0-9]+7" }, // MU
    Plan { code: "231", trunk: "", form: Form::International, open: false, mobile: "330+6|4[67]+5|555+6|76[01]+6|77+7|88+7|[56]+6", other: "2+7" }, // LR
    Plan { code: "232", trunk: "", form: Form::International, open: true, mobile: "25+6|3[0-5]+6|66+6|7+7|8[08]+6|9[09]+6", other: "[0-9]+7" }, // SL
    Plan { code: "233", trunk: "0", form: Form::GroupedTrunk, open: false, mobile: "2[0346-8]+7|5[03-79]+7", other: "3+8" }, // GH
    Plan { code: "234", trunk: "0", form: Form::Trunk, open: false, mobile: "7[0-2]+8|80[1-9]+7|81+8|90+8|91[0-6]+7", other: "20+8|[7-9]+9" }, // NG
    Plan { code: "235", trunk: "", form: Form::International, open: false, mobile: "3[01]+6|77+6|8[5-7]+6|[69]+7", other: "22+6" }, // TD
    Plan { code: "236", trunk: "", form: Form::International, open: true, mobile: "7[02-7]+6", other: "2[12]+6|61+6|7[0257]+6" }, // CF
    Plan { code: "237", trunk: "", form: Form::International, open: false, mobile: "6+8", other: "2[23]+7" }, // CM
    Plan { code: "238", trunk: "", form: Form::International, open: false, mobile: "36+5|5[1-37-9]+5|9+6", other: "2[2-8]+5" }, // CV
    Plan { code: "239", trunk: "", form: Form::International, open: false, mobile: "9[089]+5", other: "22+5" }, // ST
    Plan { code: "240", trunk: "", form: Form::International, open: false, mobile: "222+6|55+7", other: "3[35]+7" }, // GQ
    Plan { code: "241", trunk: "", form: Form::International, open: false, mobile: "0[2-7]+6|60[0-4]+5|610+5|6[256]+6|7[467]+6|[2-7]+6", other: "[01]1+6" }, // GA
    Plan { code: "242", trunk: "", form: Form::International, open: false, mobile: "02[4-6]+6|0[14-6]+7", other: "22+7" }, // CG
    Plan { code: "243", trunk: "0", form: Form::Trunk, open: false, mobile: "[89]+8", other: "12+7|27+6|57+8|[1-6]+6" }, // CD
    Plan { code: "244", trunk: "", form: Form::International, open: false, mobile: "9+8", other: "2+8" }, // AO
    Plan { code: "245", trunk: "", form: Form::International, open: false, mobile: "95+7|96[569]+6|977+6", other: "44+7" }, // GW
    Plan { code: "246", trunk: "", form: Form::International, open: false, mobile: "38+5", other: "37+5" }, // IO
    Plan { code: "247", trunk: "", form: Form::International, open: false, mobile: "[2-47]+4", other: "6+4" }, // AC
    Plan { code: "248", trunk: "", form: Form::International, open: false, mobile: "2[125-8]+5", other: "4[2-46]+5" }, // SC
    Plan { code: "249", trunk: "0", form: Form::GroupedTrunk, open: false, mobile: "1[0-2]+7|9[0-369]+7", other: "1[58]+7" }, // SD
    Plan { code: "250", trunk: "0", form: Form::Trunk, open: false, mobile: "7+8", other: "06+6|2[23568]+7" }, // RW
    Plan { code: "251", trunk: "0", form: Form::Trunk, open: false, mobile: "72[1-35-79]+6|777+6|786+6|799+6|7[013]+7|8[01]+7|9+8", other: "11+7|22+7|3[34]+7|4[67]+7" }, // ET
    Plan { code: "252", trunk: "0", form: Form::Trunk, open: false, mobile: "[67]+8", other: "1+6|2[0-79]+5|3[0-46-8]+5|4[0-7]+5|5[57-9]+5|8[125]+4|[134]+5" }, // SO
    Plan { code: "253", trunk: "", form: Form::Bare, open: false, mobile: "77[6-8]+5", other: "2[17]+6" }, // DJ
    Plan { code: "254", trunk: "0", form: Form::GroupedTrunk, open: false, mobile: "12[014]+6|13[05-9]+6|14[0-6]+6|1[018]+7|7+8", other: "20+6-7|4[0-6]+7|4[0245]+6|4[245]+5|5[1-79]+5-6|6+7|6[01457-9]+5|[56]+8|[17]+8" }, // KE
    Plan { code: "255", trunk: "0", form: Form::Trunk, open: false, mobile: "[67]+8", other: "2[2-8]+7" }, // TZ
    Plan { code: "256", trunk: "0", form: Form::Trunk, open: false, mobile: "7+8", other: "20+7|[34]+8" }, // UG
    Plan { code: "257", trunk: "", form: Form::International, open: false, mobile: "29+6|6+7|7[125-9]+6", other: "22+6|31+6" }, // BI
    Plan { code: "258", trunk: "", form: Form::Bare, open: false, mobile: "8[2-7]+7", other: "2[13-9]+6" }, // MZ
    Plan { code: "260", trunk: "0", form: Form::Trunk, open: false, mobile: "[79][5-7]+7", other: "21+7" }, // ZM
    Plan { code: "261", trunk: "0", form: Form::GroupedTrunk, open: false, mobile: "[23]+8", other: "20+7" }, // MG
    Plan { code: "262", trunk: "0", form: Form::Trunk, open: false, mobile: "[67]+8", other: "26+7" }, // RE/YT
    Plan { code: "263", trunk: "0", form: Form::Trunk, open: false, mobile: "73[1-9]+6|751+6|79[01]+6|7[1278]+7", other: "[0-9]+8" }, // ZW
    Plan { code: "264", trunk: "", form: Form::International, open: false, mobile: "[68]+7", other: "6[1-7]+6|6[12457]+7" }, // NA
    Plan { code: "265", trunk: "0", form: Form::GroupedTrunk, open: false, mobile: "2[12]+7|31+7|77+7|[89][89]+7", other: "1+6|77+7|88+7|9[89]+7|[23]1+7" }, // MW
    Plan { code: "266", trunk: "", form: Form::International, open: true, mobile: "[56]+7", other: "2+7|5[27-9]+6" }, // LS
    Plan { code: "267", trunk: "", form: Form::Bare, open: false, mobile: "7[1-8]+6", other: "2[13-9]+5|3[124-9]+5|4[3-9]+5|5+6|6[02-68]+5" }, // BW
    Plan { code: "268", trunk: "", form: Form::International, open: false, mobile: "7[5-9]+6", other: "[23][2-5]+6" }, // SZ
    Plan { code: "269", trunk: "", form: Form::International, open: false, mobile: "[34]+6", other: "7[4-7]+5" }, // KM
    Plan { code: "27", trunk: "0", form: Form::Trunk, open: true, mobile: "19[12]+6|50[0-2]+6|8[1-4]+3-6|8[1-5]+7|[67]+8", other: "[0-9]+8" }, // ZA
    Plan { code: "290", trunk: "", form: Form::International, open: false, mobile: "[569]+4", other: "2+4|8+3" }, // SH/TA
    Plan { code: "291", trunk: "", form: Form::International, open: false, mobile: "17[1-3]+4|7+6", other: "1[1246]+5|8+6" }, // ER
    Plan { code: "297", trunk: "", form: Form::International, open: true, mobile: "5[69]+5|64+5|7[34]+5|99+5", other: "5[28]+5" }, // AW
    Plan { code: "298", trunk: "", form: Form::International, open: true, mobile: "9[16]+4|[257]+5", other: "[0-9]+5" }, // FO
    Plan { code: "299", trunk: "", form: Form::International, open: true, mobile: "[245]+5", other: "[0-9]+5" }, // GL
    Plan { code: "30", trunk: "", form: Form::International, open: true, mobile: "68[5-9]+7|69[013-57-9]+7", other: "2[1-8]+8" }, // GR
    Plan { code: "31", trunk: "0", form: Form::Trunk, open: true, mobile: "6+8", other: "1[0135-8]+7|2[02-69]+7|3[0-68]+7|4[0135-9]+7|[57]+8" }, // NL
    Plan { code: "32", trunk: "0", form: Form::Trunk, open: false, mobile: "4+8", other: "4[23]+6|71+6|8[0-79]+6|9[2-4]+6|[156]+7|[23][2-8]+6" }, // BE
    Plan { code: "33", trunk: "0", form: Form::Trunk, open: true, mobile: "[67]+8", other: "[1-5]+8" }, // FR
    Plan { code: "34", trunk: "", form: Form::International, open: true, mobile: "[67]+8", other: "40+7|[89][1-8]+7" }, // ES
    Plan { code: "350", trunk: "", form: Form::International, open: false, mobile: "5[146-8]+6|60[16]+5", other: "2[02]+6" }, // GI
    Plan { code: "351", trunk: "", form: Form::International, open: true, mobile: "9[1-36]+7", other: "2[1-9]+7" }, // PT
    Plan { code: "352", trunk: "", form: Form::International, open: false, mobile: "6[01346-9]1+6", other: "2[2-9]+2-8|9[02-579]+2-9|[2-578]+4-10|[3-578]+3-8" }, // LU
    Plan { code: "353", trunk: "0", form: Form::Trunk, open: true, mobile: "8[35-9]+7", other: "1+7-8|2[13]+7|2[24-9]+5|47+5|48+8|4[05]+6|4[1-469]+7|58+5|5[01]+6|5[23679]+7|6[237-9]+5|6[4-6]+7|7[14]+7|9[04]+7|9[35-9]+5|[269]1+6" }, // IE
    Plan { code: "354", trunk: "", form: Form::International, open: true, mobile: "38[589]+6|61[1-8]+4|62[0-6]+4|63[026-9]+4|64[014679]+4|65[0159]+4|66[0-69]+4|670+4|68[06-8]+4|69+5|75[057]+4|7[6-9]+5|82[0-59]+4|88[238]+4|8[3-69]+5", other: "4[1-8]+5|5[1-9]+5|87+5" }, // IS
    Plan { code: "355", trunk: "0", form: Form::Trunk, open: false, mobile: "6+8", other: "4[2-9]+6|[2358][1-9]+6" }, // AL
    Plan { code: "356", trunk: "", form: Form::International, open: false, mobile: "7[79]+6|98[189]+5|9[29]+6", other: "2[0-35-7]+6|7[79]+6|99+6" }, // MT
    Plan { code: "357", trunk: "", form: Form::Bare, open: false, mobile: "9[4-79]+6", other: "2[2-6]+6" }, // CY
    Plan { code: "358", trunk: "0", form: Form::Trunk, open: false, mobile: "4+5-9|50+4-8", other: "18+4-7|19+3|1[3-79]+4-7|8[1-8]+6|9[0-8]+4-6|[23568][1-8]+4|[2356]+7|[2356][1-8]+3|[2568][1-8]+7|[268]+6|[35][1-8]+5|[39]+8|[89]+4|4[0-6]+4-8|50+4-8" }, // AX/FI
    Plan { code: "359", trunk: "0", form: Form::Trunk, open: false, mobile: "8[7-9]+7", other: "2+5|8[1-6]+5-6|[235-7]+6-7|[49][1-7]+5-6" }, // BG
    Plan { code: "36", trunk: "06", form: Form::GroupedTrunk, open: false, mobile: "3[01]+7|[257]0+7", other: "3[2-7]+6|4[24-9]+6|6[23689]+6|7[2-9]+6|8[2-57-9]+6|9[2-69]+6|[125]+7" }, // HU
    Plan { code: "370", trunk: "", form: Form::International, open: false, mobile: "6+7", other: "[0-9]+7" }, // LT
    Plan { code: "371", trunk: "", form: Form::International, open: false, mobile: "2+7", other: "6+7" }, // LV
    Plan { code: "372", trunk: "", form: Form::International, open: false, mobile: "5+6-7|8[1-4]+6-7", other: "3[23589]+5|4[3-8]+5|88+5|[67]+6" }, // EE
    Plan { code: "373", trunk: "0", form: Form::Trunk, open: false, mobile: "6[0-26-9]+6|7[6-9]+6", other: "5[35]+6|[23]+7" }, // MD
    Plan { code: "374", trunk: "0", form: Form::Trunk, open: false, mobile: "33+6|4[134]+6|55+6|77+6|88+6|9[13-689]+6", other: "1[0-25]+6|2[2-68]+6|3[12]+6|47+6" }, // AM
    Plan { code: "375", trunk: "", form: Form::Bare, open: false, mobile: "2[459]+7|33+7|44+7", other: "1[5-7]+7|2[1-3]+7" }, // BY
    Plan { code: "376", trunk: "", form: Form::International, open: false, mobile: "[346]+5", other: "[78]+5" }, // AD
    Plan { code: "377", trunk: "", form: Form::International, open: false, mobile: "3+7|45[1-9]+5|4[46]+6|[67]+8", other: "87+6|9[2-47-9]+6" }, // MC
    Plan { code: "378", trunk: "", form: Form::International, open: true, mobile: "6[16]+6", other: "6+5-9" }, // SM
    Plan { code: "380", trunk: "0", form: Form::Trunk, open: false, mobile: "50+7|6[36-8]+7|7[357]+7|9+8", other: "3[1-8]+7|4[13-8]+7|5[1-7]+7|6[12459]+7" }, // UA
    Plan { code: "381", trunk: "0", form: Form::Trunk, open: false, mobile: "6+7-8|67+8", other: "[1-3]+6-11|6+5-9" }, // RS
    Plan { code: "382", trunk: "0", form: Form::Trunk, open: false, mobile: "63[024]+5|66[0-25]+5|6[07-9]+6", other: "20+6|3[0-3]+6|4[01]+6|5[0-2]+6" }, // ME
    Plan { code: "383", trunk: "", form: Form::International, open: false, mobile: "4[3-9]+6", other: "2[89]+7|38+7-10|[23][89]+6" }, // XK
    Plan { code: "385", trunk: "0", form: Form::Trunk, open: false, mobile: "97[05-79]+6|98+6|9[0-2589]+7", other: "1+7|2[0-3]+6-7|3[1-5]+6-7|4[02-47-9]+6-7|5[1-3]+6-7" }, // HR
    Plan { code: "386", trunk: "0", form: Form::Trunk, open: false, mobile: "4[013]+6|51+6|65[15-8]+5|6[489]+6|[37][01]+6", other: "[0-9]+7" }, // SI
    Plan { code: "387", trunk: "0", form: Form::Trunk, open: false, mobile: "64+7|6[0-356]+6", other: "49+6|[35]+7" }, // BA
    Plan { code: "389", trunk: "0", form: Form::Trunk, open: false, mobile: "73[1-8]+5|74[267]+5|79[2-579]+5|7[0-25-8]+6", other: "3[1-4]+6|4[2-8]+6|500+5|5[2-9]+6|[278]+7" }, // MK
    Plan { code: "39", trunk: "", form: Form::Bare, open: true, mobile: "3+8-9", other: "0[1-9]+4-9" }, // IT/VA
    Plan { code: "40", trunk: "0", form: Form::Trunk, open: false, mobile: "7+8", other: "2[13-6]+4|31+4|[23][13-6]+7" }, // RO
    Plan { code: "41", trunk: "0", form: Form::Trunk, open: true, mobile: "6[89]+7|7[235-9]+7", other: "[1-9]+4-9" }, // CH
    Plan { code: "420", trunk: "", form: Form::International, open: true, mobile: "60[1-8]+6|70[2-6]+6|719+6|7[2379]+7", other: "[1-9]+8" }, // CZ
    Plan { code: "421", trunk: "", form: Form::International, open: true, mobile: "90[1-9]+6|94[03-57-9]+6|9[15]+7", other: "21+4-5|3[135]+5|3[16]+4|4[128]+4|4[23568]+5|5[2367]+5|5[346]+4|[1-9]+8" }, // SK
    Plan { code: "423", trunk: "", form: Form::International, open: false, mobile: "64[5-9]+6|65+7|66[0-8]+6|742+4|756+4|7[37-9]+5", other: "2[0-369]+5|3[2-47-9]+5" }, // LI
    Plan { code: "43", trunk: "0", form: Form::Trunk, open: true, mobile: "65[0-3579]+7-8|66[0-9]+7-8|67[06-9]+7-8|68[01689]+7-8|69[09]+7-8", other: "11+2|1[2-9]+3-11|2[125-9]+5-11|3[13-68]+5-11|4[236-8]+6-11|5[1-6]+5-11|6[24-6]+11|7[2-79]+5-11|[0-9]+4-11" }, // AT
    Plan { code: "44", trunk: "0", form: Form::Trunk, open: true, mobile: "7+9|1481+6", other: "1[1-9]+8|2[03489]+8" }, // GB/GG/IM/JE
    Plan { code: "45", trunk: "", form: Form::International, open: true, mobile: "32[1-9]+5|3[013-689]+6|56[1-9]+5|5[0-57-9]+6|8[169][1-9]+5|8[278]+6|97[1-9]+5|9[1-4689]+6|[2467]+7", other: "3[0-689]+6|8[126-9]+6|9[1-46-9]+6|[24-7]+7" }, // DK
    Plan { code: "46", trunk: "0", form: Form::Trunk, open: true, mobile: "7[02369]+7", other: "2[1-9]+7|3[356]+5|4[0246]+5|6[03]+5|8+6|90+5|9[0-8]+6-7|[12][1-9]+6|[12][136]+5|[13-68]+8|[3-68]+7" }, // SE
    Plan { code: "47", trunk: "", form: Form::International, open: true, mobile: "[49]+7", other: "2[1-4]+6|3[1-3578]+6|5[1-35-7]+6|6[1-46-9]+6|7+7" }, // NO/SJ
    Plan { code: "48", trunk: "", form: Form::International, open: true, mobile: "45+7|[5-8]+8", other: "18+5|1[2-8]+7|2[2-69]+7|30+5|3[2-4]+7|46+5|4[1-46-8]+7|5[24-689]+7|5[46]+5|63+5|6[1-3578]+7|7[14-7]+7|7[45]+5|8+8|8[379]+5|94+5|9[145]+7" }, // PL
    Plan { code: "49", trunk: "0", form: Form::GroupedTrunk, open: true, mobile: "16[023]+7-8|17+8|1[57]+9", other: "3[03-9]+4-13|[2-9]+6-12|[24-9]+5-14|[34]0+3|[68]9+3|15[0-25-9]+8-9|16[023]+7-9|17+8-10" }, // DE
    Plan { code: "500", trunk: "", form: Form::International, open: false, mobile: "[56]+4", other: "[2-47]+4" }, // FK
    Plan { code: "501", trunk: "", form: Form::International, open: false, mobile: "6[0-35-7]+5", other: "2[02368]+5|7[026]+5|[3-58][0268]+5" }, // BZ
    Plan { code: "502", trunk: "", form: Form::International, open: false, mobile: "80[0-4]+5|[3-5]+7", other: "[267]+7" }, // GT
    Plan { code: "503", trunk: "", form: Form::International, open: false, mobile: "[67]+7", other: "2+7" }, // SV
    Plan { code: "504", trunk: "", form: Form::International, open: false, mobile: "[37-9]+7", other: "[2389]+7" }, // HN
    Plan { code: "505", trunk: "", form: Form::International, open: true, mobile: "55[0-7]+5|5[78]+6|620+5|63[035]+5|64[045]+5|65[05]+5|677+5|68+6|69[059]+5|7[5-8]+6|8+7", other: "[0-9]+6-7" }, // NI
    Plan { code: "506", trunk: "", form: Form::International, open: true, mobile: "5[07]+6|6[0-4]+6|7[0-3]+6|8[3-9]+6", other: "[2-8]+7" }, // CR
    Plan { code: "507", trunk: "", form: Form::International, open: true, mobile: "1[16]1+4|21[89]+4|6+7|81[01]+4|87[23]+4", other: "[0-9]+6-7" }, // PA
    Plan { code: "508", trunk: "", form: Form::International, open: false, mobile: "4[02-489]+4|708+6|[235-9]+5", other: "5[0-47-9]+4|80+7|[2-46-9]+5" }, // PM
    Plan { code: "509", trunk: "", form: Form::International, open: false, mobile: "5[568]+6|[34]+7", other: "2[2589]+6" }, // HT
    Plan { code: "51", trunk: "", form: Form::International, open: false, mobile: "9+8", other: "1+7|4[1-4]+6|5[1-46]+6|6[1-8]+6|7[2-6]+6|8[1-467]+6" }, // PE
    Plan { code: "52", trunk: "", form: Form::International, open: true, mobile: "23[1-35-8]+7|27[1-689]+7|28[1-578]+7|29[467]+7|2[24]+8|31[1-79]+7|37[1-8]+7|39[1-5]+7|3[2-58]+8|48[1-35-9]+7|49[2-689]+7|4[1-7]+8|588+7|59[1-79]+7|5[56]+8|61[2-68]+7|65[1-36-9]+7|67[1-7]+7|68[67]+7|69[4-8]+7|6[2-46]+8|78[1-69]+7|79[17]+7|7[14][1-9]+7|7[235-7]+8|81+8|82[13-689]+7|83[1-6]+7|84[124-6]+7|86[1246-9]+7|87[0-378]+7|89[12479]+7|91[346-9]+7|92[1-4]+7|93[2-46-8]+7|95[1348]+7|97[12]+7|98[1-8]+7|9[69]+8", other: "01+10|1+11|[0-9]+9-10" }, // MX
    Plan { code: "53", trunk: "", form: Form::Bare, open: false, mobile: "5+7", other: "2[1-4]+5-6|3[1-3]+6|3[23]+4-5|4[1-35-9]+6|4[1257-9]+5|4[89]+4|7+6-7|8[07]+8" }, // CU
    Plan { code: "54", trunk: "", form: Form::International, open: false, mobile: "911+8|9[2368]+9", other: "11+8|2[2369]+8|3[3-8]+8|67+8" }, // AR
    Plan { code: "55", trunk: "", form: Form::International, open: true, mobile: "[14689][1-9]9+8|2[12478]9+8|3[1-578]9+8|5[13-5]9+8|7[13-579]9+8", other: "2[12478]+8|3[1-578]+8|5[13-5]+8|7[13-579]+8|[14689][1-9]+8" }, // BR
    Plan { code: "56", trunk: "", form: Form::International, open: true, mobile: "22+7|23[2-5]+6|3[2-5]+7|5[1-3578]+7|6[13-57]+7|8+8|97[1-9]+6|9[2-689]+7|[47][1-35]+7", other: "[2-9]+8" }, // CL
    Plan { code: "57", trunk: "", form: Form::Bare, open: false, mobile: "30[0-245]+7|31+8|32[0-4]+7|35[01]+7", other: "46+6|60+8" }, // CO
    Plan { code: "58", trunk: "", form: Form::International, open: true, mobile: "41[24-8]+7|42[246]+7", other: "[4-6]0+8|[24]+9" }, // VE
    Plan { code: "590", trunk: "0", form: Form::Trunk, open: false, mobile: "[67]+8", other: "59+7|80+7" }, // BL/GP/MF
    Plan { code: "591", trunk: "", form: Form::International, open: false, mobile: "[67]+7", other: "2[2568]+6|3[3489]+6|4[46]+6" }, // BO
    Plan { code: "592", trunk: "", form: Form::International, open: false, mobile: "6+6", other: "2[1-35-7]+5|3[23]+5|4[45]+5|5[01]+5|77+5" }, // GY
    Plan { code: "593", trunk: "0", form: Form::Trunk, open: false, mobile: "93[0-29]+6|9[57][89]+6|9[689]+7", other: "9[2-9]+7|[2-7]+7" }, // EC
    Plan { code: "594", trunk: "0", form: Form::Trunk, open: false, mobile: "[67]+8", other: "59+7|80+7" }, // GF
    Plan { code: "595", trunk: "0", form: Form::Trunk, open: false, mobile: "9[6-9]+7", other: "2[124-9]+6-7|3[289]+5|4[246-8]+5|5[1-5]+6-7|61+5|6[1347]+6-7|7[1-3]+5|7[1-8]+6-7|8[1-356]+6-7|8[1-36]+5|[34][1-9]+6-7" }, // PY
    Plan { code: "596", trunk: "0", form: Form::Trunk, open: false, mobile: "[67]+8", other: "59+7|80+7" }, // MQ
    Plan { code: "597", trunk: "", form: Form::International, open: false, mobile: "6[08]+5|7[1-79]+5|8+6", other: "2[1-3]+4|3[0-7]+4|4+5|5[2-578]+4" }, // SR
    Plan { code: "598", trunk: "0", form: Form::Trunk, open: false, mobile: "9+7", other: "19+6|2+7|4[2-7]+6" }, // UY
    Plan { code: "599", trunk: "", form: Form::International, open: false, mobile: "31[89]+4|416+4|70[01]+4|77[07]+4|78+5|79[056]+4|95[1-467]+5|96[5-9]+5", other: "7[125]+5|[34]1+5|9[4578]+6" }, // BQ/CW
    Plan { code: "60", trunk: "0", form: Form::GroupedTrunk, open: false, mobile: "1+8|1[0145]+8", other: "3[2-9]+7|9+7|[4-8][2-9]+6" }, // MY
    Plan { code: "61", trunk: "0", form: Form::Trunk, open: true, mobile: "4+8", other: "8[5-9]+7|[237]+8" }, // AU/CC/CX
    Plan { code: "62", trunk: "0", form: Form::Trunk, open: false, mobile: "85[1-35-9]+5-9|87[78]+5-9|89[5-9]+5-9|8[18]+6-9|8[18][1-9]+7-9|8[23][1-38]+5-9", other: "2[1-9]+7-8|2[235-9]+6|2[35-9]+9|3[1-8]+6-8|3[2-8]+9|4[0-8]+6-9|5[1-6]+6-9|6[1-5]+6-8|6[2-5]+9|7[0-7]+6-9|9[0-25-8]+6-9|[36]1+5" }, // ID
    Plan { code: "63", trunk: "0", form: Form::Trunk, open: false, mobile: "9+9", other: "2+5|2[3-8]+7|3[2-68]+7|4[2-9]+7|5[2-6]+7|6[2-58]+7|7[24578]+7|8[2-8]+7" }, // PH
    Plan { code: "64", trunk: "0", form: Form::GroupedTrunk, open: false, mobile: "[28]+7-9", other: "3+7|6[235-9]+6|7[2-57-9]+6|[49][2-9]+6" }, // NZ
    Plan { code: "65", trunk: "", form: Form::International, open: true, mobile: "[3689]+7", other: "6+7" }, // SG
    Plan { code: "66", trunk: "0", form: Form::Trunk, open: true, mobile: "14+7|67[1-3]+6|6[1-6]+7|[89]+8", other: "1[0689]+6|2+7|3[2-9]+6|4[2-5]+6|5[2-6]+6|7[3-7]+6|[0-9]+8" }, // TH
    Plan { code: "670", trunk: "", form: Form::International, open: false, mobile: "7[2-8]+6", other: "2[1-5]+5|3+6|4[1-4]+5" }, // TL
    Plan { code: "672", trunk: "", form: Form::International, open: false, mobile: "14+4|3[58]+4", other: "[13][0-2]+4" }, // NF
    Plan { code: "673", trunk: "", form: Form::International, open: false, mobile: "22[89]+4|[78]+6", other: "[2-5]+6" }, // BN
    Plan { code: "674", trunk: "", form: Form::International, open: false, mobile: "222+4|55[3-9]+4|666+4|777+4|8+6|999+4", other: "44+5" }, // NR
    Plan { code: "675", trunk: "", form: Form::International, open: false, mobile: "7+7|8[18]+6", other: "3[0-2]+5|4[257]+5|5[34]+5|64+5|85+5|9[78]+5" }, // PG
    Plan { code: "676", trunk: "", form: Form::International, open: false, mobile: "54[0-5]+4|55[4-6]+4|63[02]+4|68[15-9]+4|6[09]+5|7+6|8[46-9]+5|999+4", other: "4[0-4]+3|50+3|6[09]+3|7[0-24-69]+3|8[05]+3|[23]+4" }, // TO
    Plan { code: "677", trunk: "", form: Form::International, open: false, mobile: "48+3|6[89]+5|7[1-9]+5|8[4-9]+5|9+6", other: "1[4-79]+3|4[0-2]+3|5[03]+3|6[0-37]+3|[23]+4" }, // SB
    Plan { code: "678", trunk: "", form: Form::International, open: false, mobile: "7[0-7]+5|[58]+6", other: "2+4|3[4-8]+3|[48]8+3" }, // VU
    Plan { code: "679", trunk: "", form: Form::International, open: true, mobile: "45+5|5[01568]+5|8[034679]+5|[279]+6", other: "[0-9]+6" }, // FJ
    Plan { code: "680", trunk: "", form: Form::International, open: false, mobile: "45+5|46[0-5]+4|6[2-469]0+4|77+5|780+4|83[0-5]+4|88+5", other: "34+5|48+5|8[257]+5|90+5|[26][57]+5|[57][34]+5" }, // PW
    Plan { code: "681", trunk: "", form: Form::International, open: true, mobile: "72+4|8[23]+4", other: "[0-9]+5" }, // WF
    Plan { code: "682", trunk: "", form: Form::International, open: false, mobile: "[578]+4", other: "2+4|3[13-7]+3|4[1-5]+3" }, // CK
    Plan { code: "683", trunk: "", form: Form::International, open: false, mobile: "[56]+3", other: "[47]+3" }, // NU
    Plan { code: "685", trunk: "", form: Form::International, open: false, mobile: "7[1-35-8]+5|89+8|8[3-7]+5", other: "60+4|[2-6]+4" }, // WS
    Plan { code: "686", trunk: "", form: Form::International, open: false, mobile: "[67][238]+6", other: "50+3|65+6|72+6|8[0-5]+3|[2-4]+4" }, // KI
    Plan { code: "687", trunk: "", form: Form::International, open: false, mobile: "[57-9]+5", other: "2[03-9]+4|3[0-5]+4|4[1-7]+4|88+4" }, // NC
    Plan { code: "688", trunk: "", form: Form::International, open: false, mobile: "7[01]+5|90+4", other: "2+4" }, // TV
    Plan { code: "689", trunk: "", form: Form::Bare, open: false, mobile: "8[7-9]+6", other: "4[09]+6" }, // PF
    Plan { code: "690", trunk: "", form: Form::International, open: false, mobile: "7[2-4]+2-5", other: "2[2-4]+2-5|[34]+3-6" }, // TK
    Plan { code: "691", trunk: "", form: Form::International, open: false, mobile: "3[2357]0+4|820+4|9[2-7]+5", other: "3[23578]+5|82+5|9[2-6]+5" }, // FM
    Plan { code: "692", trunk: "", form: Form::International, open: false, mobile: "235+4|329+4|45[35-8]+4|545+4", other: "24+5|[56]2+5" }, // MH
    Plan { code: "7", trunk: "8", form: Form::GroupedTrunk, open: true, mobile: "7+9|9+9", other: "7[12]+8|3[03-689]+8|4[0-27-9]+8|8[1-7]+8" }, // KZ/RU
    Plan { code: "81", trunk: "0", form: Form::Trunk, open: true, mobile: "[6-9]0+8", other: "[13][1-9]+7|[26]+8|[457-9][2-9]+7" }, // JP
    Plan { code: "82", trunk: "0", form: Form::GroupedTrunk, open: true, mobile: "01[016-9]+7-8|1[016-9]+7-8", other: "2+7-8|3[1-3]+3-8|5[1-5]+3-8|[46][1-4]+3-8" }, // KR
    Plan { code: "84", trunk: "0", form: Form::Trunk, open: false, mobile: "3[2-9]+7|5[25689]+7|7[06-9]+7|[89]+8", other: "2+9" }, // VN
    Plan { code: "850", trunk: "", form: Form::International, open: false, mobile: "19[1-3]+7", other: "19+8|2+7|3[19]+6|4[159]+6|5[37]+6|6[17]+6|7[39]+6|85+6" }, // KP
    Plan { code: "852", trunk: "", form: Form::International, open: true, mobile: "[4-9]+7", other: "2+7|3[14-9]+6|58+6" }, // HK
    Plan { code: "853", trunk: "", form: Form::International, open: false, mobile: "6+7", other: "28+6|8[1-57-9]+6" }, // MO
    Plan { code: "855", trunk: "", form: Form::International, open: false, mobile: "1+7|1[28]+7|334+6|3[18]+7|6[016-9]+6|7[07-9]+6|7[16]+7|88+7|8[013-79]+6|9[0-57-9]+6|9[67]+7", other: "2[3-6]+6-7|3[2-6]+6-7|4[2-4]+6-7|[5-7][2-5]+6-7" }, // KH
    Plan { code: "856", trunk: "", form: Form::International, open: false, mobile: "20[2357-9]+7|30+7", other: "2[13]+6|41+6|8[1468]+6|[35-7][14]+6" }, // LA
    Plan { code: "86", trunk: "", form: Form::International, open: true, mobile: "1[3-9]+9|9[28]+9", other: "10+5-8|2[0-57-9]+8|2[02]+5|2[48]+6|35+5|3[13-579]+8|3[17]+9|4[1-35-8]+8|4[135]+9|5[1-3579]+9|5[3-9]+8|66+7|6[369]+8|73+7|7[0-79]+8|7[3569]+9|89+7|8[1-357-9]+8|8[579]+9|9[013-579]+8|[359]7+7|[479]1+6|[58]8+6" }, // CN
    Plan { code: "880", trunk: "0", form: Form::Trunk, open: false, mobile: "1+9", other: "2[23]+8|2[45]+7|2[7-9]+6|30+5|3[0-8]+6|3[08]+7|43+8|46+5|4[1-9]+6|4[2-49]+7|56+4|5[12]+5|5[2-9]+6|5[38]+7|6[02-68]+6|6[02458]+7|71+5|7[03-689]+6|7[27]+7|81+4|82+7|8[014-7]+5|8[35-7]+6|9[0-248]+5|9[24]+6|9[35]+4" }, // BD
    Plan { code: "886", trunk: "0", form: Form::Trunk, open: true, mobile: "9+8", other: "2[2-7]+6|2[2-8]+7|37+7|3[2-9]+6|4[0-37-9]+6|4[0-39]+7|55+7|5[2-8]+6|6[0-79]+6|6[014]+7|7[1-9]+6|8[247-9]+6|8[49]+7" }, // TW
    Plan { code: "90", trunk: "0", form: Form::Trunk, open: true, mobile: "51[06]+7|524+7|56[24]+7|57[245]+7|59[46]+7|5[03-5]+8", other: "3[1-9]+8|[24][1-8]+8|5+9" }, // TR
    Plan { code: "91", trunk: "", form: Form::Bare, open: true, mobile: "160+7|68[0-24-9]+7|6[0-79]+8|79[06-9]+7|7[0-8]+8|80[015-9]+7|8[1-9]+8|9+9", other: "3[0-8]+8|[157][1-9]+8|[248]+9|[6-9]+9" }, // IN
    Plan { code: "92", trunk: "0", form: Form::Trunk, open: false, mobile: "3[0-6]+8", other: "2[1-59]+8|2[2-59]+7|4[0-24-9]+8|4[014-9]+7|5[1-7]+7|5[1-8]+8|6[0-8]+7-8|7[124]+7-8|8[1-6]+7-8|9[1-469]+7-8" }, // PK
    Plan { code: "93", trunk: "0", form: Form::Trunk, open: false, mobile: "7+8", other: "6[0-5]+7|[25][0-8]+7|[34][0-4]+7|2+8" }, // AF
    Plan { code: "94", trunk: "0", form: Form::Trunk, open: false, mobile: "7+8", other: "2[13-7]+7|3[1-8]+7|4[157]+7|5[12457]+7|6[035-7]+7|9[129]+7|[18][12]+7" }, // LK
    Plan { code: "95", trunk: "0", form: Form::Trunk, open: false, mobile: "92[5-7]+7|93[12]+7|94[0-5]+7|97[5-9]+7|9[69][6-9]+7", other: "16+4|1[1-37-9]+6|25+5-7|2[2-9]+4|2[45]+6|43+7|45+6|52+6-7|5[2-9]+5|6+6|6[5-7]+7|6[57]+6|71+7|7[0-5]+5|8[1-356]+6|8[1-6]+5|8[125]+7|[14][2-6]+5" }, // MM
    Plan { code: "960", trunk: "", form: Form::International, open: false, mobile: "7[2-9]+5|9+6", other: "3[03]+5|6[5-8]+5" }, // MV
    Plan { code: "961", trunk: "", form: Form::International, open: false, mobile: "3+6|7+7|81+6", other: "2[14-9]+6|7[2-9]+5|[14-689]+6" }, // LB
    Plan { code: "962", trunk: "0", form: Form::Trunk, open: false, mobile: "7[7-9]+7", other: "2[67]+6|32+6|53+6|6[2-5]+6|87+6" }, // JO
    Plan { code: "963", trunk: "0", form: Form::Trunk, open: false, mobile: "9+8", other: "1[1478]+7|1[2356]+6|21+7|2[1-5]+6|34+6|3[13]+7|4[134]+6|5[1-3]+6" }, // SY
    Plan { code: "964", trunk: "0", form: Form::Trunk, open: false, mobile: "7+9", other: "1+7|2[13-5]+6-7|3[02367]+6-7|4[023]+6-7|5[03]+6-7|6[026]+6-7" }, // IQ
    Plan { code: "965", trunk: "", form: Form::Bare, open: false, mobile: "41+6|[569]+7", other: "2[2-5]+6" }, // KW
    Plan { code: "966", trunk: "0", form: Form::Trunk, open: false, mobile: "5+8", other: "1[1-467]+7" }, // SA
    Plan { code: "967", trunk: "0", form: Form::Trunk, open: false, mobile: "7[01378]+7", other: "17+6|7[0137]+7|[1-7]+6" }, // YE
    Plan { code: "968", trunk: "", form: Form::Bare, open: false, mobile: "[79]+7", other: "2[1-6]+6" }, // OM
    Plan { code: "970", trunk: "0", form: Form::Trunk, open: false, mobile: "5[69]+7", other: "[2489]2+6" }, // PS
    Plan { code: "971", trunk: "0", form: Form::Trunk, open: false, mobile: "5[024-68]+7", other: "[2-4679][2-8]+6" }, // AE
    Plan { code: "972", trunk: "0", form: Form::Trunk, open: true, mobile: "58[1-9]+6|5[0-69]+7|77+7|9[1-9]+6|[2-48]+7", other: "15+9-10|[2-489]+7" }, // IL
    Plan { code: "973", trunk: "", form: Form::Bare, open: false, mobile: "[36]+7", other: "1[367]+6|6[169]+6|7[017]+6" }, // BH
    Plan { code: "974", trunk: "", form: Form::Bare, open: false, mobile: "[35-7]+7", other: "4[014]+6|[35-7]+7" }, // QA
    Plan { code: "975", trunk: "", form: Form::International, open: false, mobile: "02+6|1[67]+6|77+6", other: "2[3-6]+5|5[236]+5|6[2-46]+5|7[246]+5|8[2-4]+5|[34][5-7]+5" }, // BT
    Plan { code: "976", trunk: "", form: Form::International, open: false, mobile: "77+6|8[18]+6|9[14-69]+6", other: "1[12]+6|2[126]+6|5[368]+6|70+6|[12][2-5]+7|[12][3-5]+8" }, // MN
    Plan { code: "977", trunk: "", form: Form::International, open: false, mobile: "9[78]+8", other: "1[0-6]+6|2[13-79]+6|3[135-8]+6|4[146-9]+6|5[135-7]+6|6[13-9]+6|7[15-9]+6|8[1-46-9]+6|9[1-79]+6" }, // NP
    Plan { code: "98", trunk: "0", form: Form::Trunk, open: false, mobile: "9+9", other: "1[137]+4-8|2[13-68]+4-8|3[1458]+4-8|4[145]+4-8|5[1468]+4-8|6[16]+4-8|7[1467]+4-8|8[13467]+4-8|94+8" }, // IR
    Plan { code: "992", trunk: "", form: Form::International, open: false, mobile: "55+7", other: "3[1-57]+7|4[478]+7" }, // TJ
    Plan { code: "993", trunk: "", form: Form::International, open: false, mobile: "6+7|7[12]+6", other: "[0-9]+7" }, // TM
    Plan { code: "994", trunk: "0", form: Form::Trunk, open: false, mobile: "10+7|5[015]+7|7[07]+7|99+7", other: "1[28]+7|2[0-6]+7|46+7" }, // AZ
    Plan { code: "995", trunk: "", form: Form::International, open: false, mobile: "5+8|79+7", other: "3[24-7]+7|4[1-479]+7" }, // GE
    Plan { code: "996", trunk: "0", form: Form::Trunk, open: false, mobile: "20[0-35]+6|22+7|5[0-24-7]+7|755+6|7[07]+7|88[08]+6|912+6|99[05-9]+6", other: "3[124-79]+7|6[0-2]+7|22+7|5[05]+7|7[057]+7|880+6|99[05-8]+6" }, // KG
    Plan { code: "998", trunk: "", form: Form::International, open: false, mobile: "33+7|61[35-7]+6|62[1257]+6|65[2357]+6|66[2379]+6|67[279]+6|72[357]+6|73[23579]+6|74[2579]+6|75[237]+6|79[2357]+6|7[07]+7|8[078]+7|9+8|[25]0+7", other: "55+7|6[125-79]+7|7[1-689]+7|88+7|9+8" }, // UZ
];
