//! Files in one file: zip (office documents too), gzip, tar. They are read, never written again:
//! digests and signatures of the whole would no longer hold.
use serde_json::Value;

use super::Node;
use super::look::Look;
use crate::finding::Layer;

/// An archive.
#[derive(Clone, PartialEq)]
pub(crate) struct Pack {
    pub(crate) raw: Vec<u8>,
    pub(crate) entries: Vec<Entry>,
    /// Names, comments and all else that stands beside the files, as bytes and as text.
    pub(crate) beside: Vec<Vec<u8>>,
}

/// A file in it.
#[derive(Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) body: Node,
}

impl Pack {
    pub(crate) fn look(&mut self, look: &mut Look<'_>) {
        look.frozen(|look| {
            for bytes in &self.beside {
                look.raw(bytes);
            }
            for Entry { name, body } in &mut self.entries {
                look.within(Layer::Entry(name.clone()), |look| {
                    look.key(&mut name.clone());
                    body.look(look);
                    if let Node::Xml(xml) = body {
                        for text in xml.paragraphs() {
                            look.fixed(None, &text);
                        }
                    }
                });
            }
        });
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.raw);
    }

    pub(crate) fn view(&self) -> Value {
        super::members(self.entries.iter().map(|entry| (entry.name.clone(), entry.body.view())))
    }
}
