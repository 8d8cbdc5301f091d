//! Traffic of an agent, made up from a seed: calls of tools and their results, messages, source
//! code and logs, as JSON. Nothing in it is worth protecting, unless it is asked for.
use std::fmt::Write as _;

/// Those that come first are used more often.
const WORDS: &str = "the of and to in is that for it as with was on be by at this which from or are \
    an have not one can all will more when if there their what about would time no out so up some \
    into than only other new also two these first any like over such our most made after where \
    between should because each just how being now during before through work part long system \
    order customer report table column value return request response error service server client \
    message content string number result function method object array list index update delete \
    create search query filter limit offset page total count status active pending complete failed \
    version release build test deploy branch commit merge review file folder path line directory \
    project package module class interface parameter default option setting config environment \
    production staging database schema record field type integer boolean date month year week day \
    hour minute second price amount discount shipping city country region warehouse stock supplier \
    invoice payment product category description title name group role team member weather \
    temperature humidity wind forecast degree map location distance route station train flight \
    hotel booking reservation ticket arrival departure whether another document summary example \
    explain change improve implement handle parse convert validate generate measure compare actual \
    available required optional following currently already instead however therefore company \
    market growth quarter revenue percent analysis research paper model training data language \
    attention layer network stream buffer thread process memory cache storage volume container";

const NAMES: &str = "id name type title description status count total items results data content \
    text message role path line created_at updated_at url language version tags labels priority \
    assignee owner parent children start end limit offset query filter sort order price quantity \
    currency sku category author body state branch files changes summary score rank source target \
    format width height size duration unit";

/// `@` is a word, `%` a digit.
const CODE: [&str; 12] = [
    "    let mut out = Vec::with_capacity(%);",
    "    for (index, item) in items.iter().enumerate() {",
    "            return Err(Error::at(index, \\\"@ @ is not @\\\"));",
    "def @_@(self, @, limit=%):",
    "    result = self.client.get(f\\\"/@/{@}\\\", timeout=%)",
    "    return [row for row in result if row.@ > %]",
    "export async function @(@: string): Promise<number> {",
    "SELECT @, count(*) FROM @ WHERE @ > % GROUP BY @ LIMIT %;",
    "import { @, @ } from '../@/@';",
    "  <div className=\\\"@-@\\\">{@}</div>",
    "2026-0%-1% 1%:2%:0% INFO @.@: @ @ in % ms",
    "@ @/@.rs | % ++++--",
];

/// Clean JSON, cut at so many bytes.
pub(crate) fn clean(bytes: usize) -> String {
    cut(bytes, |traffic, out| traffic.event(out))
}

/// The same with a key, a card, an address, a token or a password in every few events. All are made
/// up; their halves stand apart so that a scanner of source code has nothing to find.
pub(crate) fn dirty(bytes: usize) -> String {
    let secrets = [
        format!("\"note\":\"key {}\"", ["AKIAZ7QK4W", "PNX2M5RTVC"].concat()),
        "\"card\":\"4111 1111 1111 1111\"".to_owned(),
        "\"mail\":\"ada@customers.example\"".to_owned(),
        format!("\"text\":\"use {}\"", ["ghp_abcd1234efgh5678", "ijkl9012mnop3456qrst"].concat()),
        format!("\"password\":\"{}\"", ["hunter2", "-zz9"].concat()),
    ];
    cut(bytes, |traffic, out| {
        traffic.event(out);
        let secret = traffic.one_of(&secrets).clone();
        let _ = writeln!(out, "{{{secret}}}");
    })
}

fn cut(bytes: usize, mut more: impl FnMut(&mut Traffic, &mut String)) -> String {
    let words = WORDS.split_whitespace().collect();
    let names = NAMES.split_whitespace().collect();
    let mut traffic = Traffic { state: 0x9E37_79B9_7F4A_7C15, words, names };
    let mut out = String::new();
    while out.len() < bytes {
        more(&mut traffic, &mut out);
    }
    out.truncate(bytes);
    out
}

/// A generator of Marsaglia's kind (xorshift): the same traffic in every run.
struct Traffic {
    state: u64,
    words: Vec<&'static str>,
    names: Vec<&'static str>,
}

impl Traffic {
    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 33).unwrap_or(0) % bound
    }

    fn one_of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        let number = self.below(all.len());
        all.get(number).expect("it is below the length")
    }

    fn word(&mut self) -> &'static str {
        let count = self.words.len();
        let number = self.below(count).min(self.below(count));
        self.words.get(number).copied().unwrap_or("the")
    }

    fn name(&mut self) -> &'static str {
        let number = self.below(self.names.len());
        self.names.get(number).copied().unwrap_or("id")
    }

    fn prose(&mut self, words: usize, out: &mut String) {
        for _ in 0..words {
            out.push_str(self.word());
            match self.below(30) {
                0 => out.push_str(". The "),
                1 => out.push_str(", "),
                2 => _ = write!(out, " {} ", self.below(5000)),
                _ => out.push(' '),
            }
        }
    }

    fn code(&mut self, lines: usize, out: &mut String) {
        for _ in 0..lines {
            for sign in self.one_of(&CODE).chars() {
                match sign {
                    '@' => out.push_str(self.word()),
                    '%' => _ = write!(out, "{}", self.below(10)),
                    sign => out.push(sign),
                }
            }
            out.push_str("\\n");
        }
    }

    fn object(&mut self, members: usize, out: &mut String) {
        out.push('{');
        for at in 0..members {
            let _ = write!(out, "{}\"{}\":", if at > 0 { "," } else { "" }, self.name());
            self.value(out);
        }
        out.push('}');
    }

    fn value(&mut self, out: &mut String) {
        let (one, two) = (self.word(), self.word());
        let number = self.below(100_000);
        let _ = match self.below(9) {
            0 => write!(out, "{number}"),
            1 => write!(out, "{}.{}", number / 100, number % 100),
            2 => write!(out, "{}", number.is_multiple_of(2)),
            3 => write!(out, "\"2026-03-{:02}T{:02}:15:00Z\"", 10 + number % 19, 10 + number % 13),
            4 => write!(out, "\"{number:08x}-17c2-4e0f-a1b2-0000{number:08x}\""),
            5 => write!(out, "\"https://{one}.test/{two}/{}\"", number % 900),
            6 => write!(out, "\"{one}/{two}.{}\"", self.one_of(&["rs", "py", "ts", "md"])),
            7 => write!(out, "\"{one}_{two}\""),
            _ => {
                out.push('"');
                self.prose(1 + number % 6, out);
                out.write_char('"')
            }
        };
    }

    fn event(&mut self, out: &mut String) {
        let id = self.below(10_000);
        let size = 3 + self.below(12);
        match self.below(4) {
            0 => {
                let name = self.word();
                let _ = write!(out, "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",");
                let _ = write!(out, "\"params\":{{\"name\":\"{name}\",\"arguments\":");
                self.object(size, out);
                out.push_str("}}\n");
            }
            1 => {
                let _ = write!(out, "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[");
                out.push_str("{\"type\":\"text\",\"text\":\"");
                self.code(size, out);
                out.push_str("\"}],\"isError\":false}}\n");
            }
            2 => {
                let _ = write!(out, "{{\"total\":{id},\"items\":[");
                for at in 0..size / 2 {
                    out.push_str(if at > 0 { "," } else { "" });
                    self.object(4 + size / 3, out);
                }
                out.push_str("]}\n");
            }
            _ => {
                let _ =
                    write!(out, "{{\"model\":\"large-2\",\"role\":\"assistant\",\"content\":\"");
                self.prose(size * 6, out);
                let _ = writeln!(out, "\",\"usage\":{{\"prompt_tokens\":{id}}}}}");
            }
        }
    }
}
