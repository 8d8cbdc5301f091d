//! Documents in which an upstream says where it is. They are known by their shape, wherever they
//! stand.
use serde_json::{Map, Value, json};
use tollgate_dlp::Node;
use url::Url;

use super::{Lead, Led, Links};

/// Where a protected resource describes itself (RFC 9728).
const RESOURCE: &str = "/.well-known/oauth-protected-resource";
/// The lists of an agent's interfaces, in the generations of A2A.
const INTERFACES: [&str; 2] = ["supportedInterfaces", "additionalInterfaces"];

impl Links {
    /// Whether [`Self::document`] may change a document. Most are nothing of what it looks for.
    pub(in crate::answer) fn concern(&self, document: Node<'_>) -> bool {
        let is_card = |node: Node<'_>| node.get("capabilities").is_some();
        document.get("openapi").is_some()
            || document.get("swagger").is_some()
            || is_card(document)
            || document.get("result").is_some_and(is_card)
            || self.asked.path().contains(RESOURCE)
    }

    /// Rewrites what a document says of the upstream itself.
    pub(in crate::answer) fn document(&self, document: &mut Value, led: &mut Led) {
        let Value::Object(root) = document else { return };
        if is_api(root) {
            self.api(root, led);
        } else if is_card(root) {
            self.card(root, led);
        } else if self.asked.path().contains(RESOURCE) {
            for key in ["resource", "jwks_uri"] {
                self.text(root.get_mut(key), led);
            }
        } else if let Some(Value::Object(result)) = root.get_mut("result")
            && is_card(result)
        {
            // An agent gives its extended card as the result of a call.
            self.card(result, led);
        }
    }

    /// An agent's card. A signature covers the URLs, so it does not outlive their change.
    fn card(&self, card: &mut Map<String, Value>, led: &mut Led) {
        let signed = card.get("signatures").and_then(Value::as_array);
        let signed = signed.is_some_and(|signatures| !signatures.is_empty());
        let mut written = card.clone();
        let mut here = Led::default();
        self.text(written.get_mut("url"), &mut here);
        for list in INTERFACES {
            for interface in items(written.get_mut(list)) {
                self.text(interface.get_mut("url"), &mut here);
            }
        }
        if here.rewritten == 0 {
            return;
        }
        if signed && self.leaves_signed() {
            led.signature = Some("left");
            return;
        }
        if signed {
            written.remove("signatures");
            led.signature = Some("dropped");
        }
        led.rewritten += here.rewritten;
        *card = written;
    }

    /// An API's description (OpenAPI 3, Swagger 2). Its servers may be relative to itself.
    fn api(&self, api: &mut Map<String, Value>, led: &mut Led) {
        if api.contains_key("swagger") {
            self.swagger(api, led);
            return;
        }
        if items(api.get_mut("servers")).next().is_none()
            && let Some(Lead::Here(root)) = self.lead("/")
        {
            // Without any, the root of wherever the description was found is meant.
            api.insert("servers".to_owned(), json!([{ "url": root.trim_end_matches('/') }]));
            led.rewritten += 1;
        } else {
            self.servers(api.get_mut("servers"), led);
        }
        let Some(Value::Object(paths)) = api.get_mut("paths") else { return };
        for path in paths.values_mut().filter_map(Value::as_object_mut) {
            self.servers(path.get_mut("servers"), led);
            for operation in path.values_mut().filter_map(Value::as_object_mut) {
                self.servers(operation.get_mut("servers"), led);
            }
        }
    }

    fn servers(&self, servers: Option<&mut Value>, led: &mut Led) {
        for server in items(servers) {
            self.text(server.get_mut("url"), led);
        }
    }

    /// The older form says its address in three parts.
    fn swagger(&self, api: &mut Map<String, Value>, led: &mut Led) {
        let text = |key: &str| api.get(key).and_then(Value::as_str);
        let schemes = api.get("schemes").and_then(Value::as_array);
        let scheme = schemes.and_then(|schemes| schemes.first()?.as_str());
        let scheme = scheme.unwrap_or(self.asked.scheme());
        let host = text("host").map_or_else(|| self.to.authority(), str::to_owned);
        let url = format!("{scheme}://{host}{}", text("basePath").unwrap_or("/"));
        let Some(Lead::Here(here)) = self.lead(&url) else { return };
        let Ok(here) = Url::parse(&here) else { return };
        let host = here.host_str().unwrap_or_default();
        let port = here.port().map_or_else(String::new, |port| format!(":{port}"));
        api.insert("host".to_owned(), format!("{host}{port}").into());
        api.insert("basePath".to_owned(), here.path().into());
        api.insert("schemes".to_owned(), json!([here.scheme()]));
        led.rewritten += 1;
    }

    /// Rewrites one URL, if it leads below the upstream.
    fn text(&self, value: Option<&mut Value>, led: &mut Led) {
        let Some(Value::String(text)) = value else { return };
        // What is a template is filled in by whoever reads it.
        if text.contains('{') {
            return;
        }
        if let Some(Lead::Here(here)) = self.lead(text)
            && here != *text
        {
            *text = here;
            led.rewritten += 1;
        }
    }
}

fn is_card(root: &Map<String, Value>) -> bool {
    let is_placed = root.get("url").is_some_and(Value::is_string)
        || INTERFACES.iter().any(|list| root.get(*list).is_some_and(Value::is_array));
    is_placed
        && root.get("skills").is_some_and(Value::is_array)
        && root.get("capabilities").is_some_and(Value::is_object)
}

fn is_api(root: &Map<String, Value>) -> bool {
    let named =
        ["openapi", "swagger"].iter().any(|key| root.get(*key).is_some_and(Value::is_string));
    named && root.get("paths").is_some_and(Value::is_object)
}

/// The objects of a list.
fn items(list: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    list.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}
